"""Runs one group at one size: Lodestone and the peers in turns, each in a process of its own."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
from dataclasses import dataclass

from groups import Group, Peer
from quiet import Patience

HERE = pathlib.Path(__file__).resolve().parent
MOST_MIB = 14 * 1024
MOST_SECONDS = 30
Result = dict[str, object]


@dataclass
class Settings:
    program: str
    threads: int
    device: str
    rounds: int
    seconds: float  # that a contestant is given per round, if its calls are short
    patience: Patience

    def environment(self) -> dict[str, str]:
        count = str(self.threads)
        return os.environ | {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count}

    def calls(self, seconds: float) -> int:
        """How many calls of this length fit a round."""
        return max(1, min(50, round(self.seconds / max(seconds, 1e-6))))


class Lodestone:
    """A process per round: it starts, calls once for memory and warmth, then measures."""

    def __init__(self, group: Group, rows: pathlib.Path, settings: Settings) -> None:
        self.settings = settings
        self.answer = rows.with_suffix(".json")
        self.command = [settings.program, "bench", "loss", "--losses", group.loss,
                        "--miners", group.miner, "--threads", str(settings.threads),
                        "--rows", str(rows), "--json", str(self.answer),
                        "--set", f"distributed.device={settings.device}"]
        for name, value in group.settings.items():
            self.command += ["--set", f"{name}={value}"]
        self.rounds: list[dict] = []

    def run(self) -> None:
        calls = self.settings.calls(self.rounds[-1]["seconds"]) if self.rounds else 3
        done = subprocess.run([*self.command, "--repeat", str(calls)], capture_output=True,
                              text=True, env=self.settings.environment())
        if done.returncode:
            sys.exit(f"{' '.join(self.command)}: exit code {done.returncode}\n{done.stderr}")
        self.rounds.append(json.loads(self.answer.read_text())["results"][0])

    def result(self) -> Result:
        medians = ("seconds", "floor_seconds", "extra_mib")
        last = self.rounds[-1]
        return ({name: statistics.median(r[name] for r in self.rounds) for name in medians}
                | {"rounds": [r["seconds"] for r in self.rounds]}
                | {name: last[name] for name in ("value", "gradient_norm")})


class PeerProcess:
    """A worker that lives for all rounds."""

    def __init__(self, peer: Peer, rows: pathlib.Path, settings: Settings) -> None:
        self.peer, self.settings = peer, settings
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), peer.task, str(rows), str(settings.threads),
             settings.device],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=settings.environment())
        self.rounds: list[float] = []
        self.first = self.answer()
        self.error: str | None = self.first.get("error")

    def answer(self) -> dict | list:
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        said = self.process.stderr.read().strip().splitlines()
        code = self.process.wait()
        return {"error": "killed, out of memory" if code == -9 else said[-1] if said else "died"}

    def run(self) -> None:
        if self.error:
            return
        last = self.rounds[-1] if self.rounds else self.first["first_seconds"]
        self.process.stdin.write(f"{self.settings.calls(last)}\n")
        self.process.stdin.flush()
        seconds = self.answer()
        if isinstance(seconds, dict):
            self.error = seconds["error"]
        else:
            self.rounds.append(statistics.median(seconds))

    def result(self) -> Result:
        self.process.communicate()  # closes its input, so that it ends
        if self.error:
            return {"skipped": self.error}
        kept = {name: self.first[name] for name in ("extra_mib", "value", "gradient_norm")}
        return {"seconds": statistics.median(self.rounds), "rounds": self.rounds} | kept


def reason_to_skip(peer: Peer, size: int, before: tuple[int, Result] | None) -> str | None:
    """Why this peer is not run at this size, going by its last smaller size."""
    if before is None:
        return None
    smaller, last = before
    if "skipped" in last:
        return str(last["skipped"])
    if last["seconds"] > MOST_SECONDS:
        return f"took {last['seconds']:.0f} s at N = {smaller:,}"
    expected = last["extra_mib"] * (size / smaller) ** peer.growth
    if expected > MOST_MIB:
        return f"would need about {expected / 1024:.0f} GiB at N = {size:,}"
    return None


def agreement(ours: Result, theirs: Result, name: str) -> float:
    """The relative difference of a number."""
    return abs(ours[name] - theirs[name]) / max(abs(ours[name]), 1e-12)


def contest(group: Group, size: int, rows: pathlib.Path, settings: Settings,
            before: dict[tuple[str, str], tuple[int, Result]]) -> Result:
    """One row of the results. `before` holds the last result of each peer, and is kept up."""
    skipped = {peer.name: reason_to_skip(peer, size, before.get((group.key, peer.name)))
               for peer in group.peers}
    ours = Lodestone(group, rows, settings)
    running = [PeerProcess(peer, rows, settings) for peer in group.peers if not skipped[peer.name]]
    for _ in range(settings.rounds):
        for contestant in (ours, *running):
            settings.patience.wait()
            contestant.run()
    found = {name: {"skipped": reason} for name, reason in skipped.items() if reason}
    found |= {process.peer.name: process.result() for process in running}
    lodestone = ours.result()
    peers = []
    for peer in group.peers:
        result = found[peer.name]
        before[group.key, peer.name] = (size, result)
        if "skipped" not in result:
            for name in ("value", "gradient_norm"):
                result[f"{name}_difference"] = agreement(lodestone, result, name)
        peers.append({"name": peer.name, "same_formula": peer.same} | result)
    return {"group": group.key, "size": size, "lodestone": lodestone, "peers": peers}
