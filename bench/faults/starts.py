#!/usr/bin/env python3
"""Faults while a job starts, before its first step: is the rank named within ten seconds, does the job end
with 4.

usage: starts.py healthy|kill|stop [--by launch|mpirun|srun|sbatch] [--trials N] [--ranks N] [--busy N]
                 [--program build/lodestone] [--minutes M] [--seed N] [--json FILE]

healthy  starts of three steps, one after the other: how many end otherwise than with 0 (a crash leaves its
         output)
kill     SIGKILL for a random rank, in each of five stages in turn, four of them before the job's first step
         (STAGES)
stop     SIGSTOP for one

launch   under `lodestone launch`: 4 in each case
mpirun   bare: 4 when a rank is stopped; one that is killed is named by mpirun, which returns 128 + 9
srun     on two hosts in namespaces with a slurmd each, as root (tests/deploy/slurm_test.py): srun returns the
         largest code of all ranks
sbatch   on the same hosts, through deploy/slurm/train.sbatch without retries
--busy   processes that compute beside it all the time

Exits 1 if anything went otherwise than promised.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path += [str(pathlib.Path(__file__).resolve().parents[2] / "tests/deploy")]
from campaign import ENVIRONMENT, Job, percentiles, until  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
RANK = {"launch": b"OMPI_COMM_WORLD_RANK", "mpirun": b"OMPI_COMM_WORLD_RANK", "srun": b"SLURM_PROCID",
        "sbatch": b"SLURM_PROCID"}
SECONDS = 10  # within which a rank is named
# Of a rank: the loader links the program and main reads the configuration; the ranks meet in MPI_Init and a
# first exchange; data and run folder are opened; from there to the first step, with the first collectives of
# training; behind it.
STAGES = ("linking", "meeting", "opening", "beginning", "training")
CODES = {("kill", "launch"): (4,), ("kill", "mpirun"): (4, 128 + signal.SIGKILL),
         ("kill", "srun"): (4, 128 + signal.SIGKILL)}
# What train.sbatch starts again: a step whose code is that of a rank which knew of the loss, or of one that a
# signal ended.
AGAIN = (4, *range(129, 193))


class Submitted:
    """A job of train.sbatch, with what the campaign asks of a process."""

    def __init__(self, log, arguments, environment):
        self.log = log
        words = ["sbatch", "--nodes=2", "--ntasks-per-node=1", f"--chdir={log.parent}", f"--output={log}",
                 ROOT / "deploy/slurm/train.sbatch"]
        subprocess.run([*words, *arguments], env=dict(environment, RETRIES="0"), check=True,
                       stdout=subprocess.DEVNULL)

    def poll(self):
        told = re.search(r"start 1: exit code (\d+)",
                         self.log.read_text(errors="replace")) if self.log.exists() else None
        return int(told.group(1)) if told else None

    def wait(self, seconds):
        if not until(seconds, lambda: self.poll() is not None):
            raise subprocess.TimeoutExpired("sbatch", seconds)
        return self.poll()

    def kill(self):
        pass  # done() cancels it


class Start(Job):
    """A job that has just been started; its data are those of the folder."""

    def __init__(self, options, number):
        self.options = options
        self.folder = options.folder
        self.run, self.config, self.log = (self.folder / f"run{number}", self.folder / f"run{number}.yaml",
                                           self.folder / f"log{number}")
        if not (self.folder / "pictures").exists():
            self.make_data()
        self.config.write_text(
            (self.folder / "run.yaml").read_text().replace(f"run_dir: {self.folder}/run\n",
                                                           f"run_dir: {self.run}\n"))
        steps = 3 if options.campaign == "healthy" else 1000000
        train = [options.program, "train", str(self.config), "--set", f"schedule.steps={steps}", "--set",
                 "checkpoint.every_steps=0"]
        before = {"launch": [options.program, "launch", "-n", str(options.ranks), "--max-restarts", "0",
                             "--"],
                  "mpirun": ["mpirun", "--bind-to", "none", "--oversubscribe", "-n", str(options.ranks)],
                  "srun": ["srun", "--mpi=pmix", "--kill-on-bad-exit=0", "-N2", f"-n{options.ranks}",
                           "--overcommit"]}
        self.began = time.monotonic()
        if options.by == "sbatch":
            self.process = Submitted(self.log, train[2:], options.environment)
            return
        command = before[options.by] + (train[1:] if options.by == "launch" else train)
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self.log.open("wb"),
                                        env=options.environment,
                                        start_new_session=True)

    def make_data(self):
        self.config, run, config = self.folder / "run.yaml", self.run, self.config
        self.run = self.folder / "run"
        super().make_data()
        self.run, self.config = run, config

    def processes_of(self, rank):
        """Processes of a rank that are this program, the rank itself first."""
        mark, found = RANK[self.options.by] + b"=" + str(rank).encode(), []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if (
                    str(self.config).encode() in (entry / "cmdline").read_bytes()
                    and mark in (entry / "environ").read_bytes().split(b"\0")
                    and os.readlink(entry / "exe") == self.options.program
                ):
                    found.append(int(entry.name))
            except OSError:
                continue
        return sorted(found)

    def stage(self, rank):
        """Where a rank is, as seen from outside; None once it has ended."""
        processes = self.processes_of(rank)
        try:
            threads = len(os.listdir(f"/proc/{processes[0]}/task"))
        except (IndexError, OSError):
            return None
        if self.last_step() > 0:
            return "training"
        if (self.run / "config.yaml").exists():
            return "beginning"
        # on its host, where a process looks after it until all have met
        alone = self.options.by in ("srun", "sbatch")
        return "linking" if threads == 1 else "meeting" if len(processes) > 1 or not alone else "opening"

    def done(self):
        """Forgets it; what is left of it is killed."""
        for rank in range(self.options.ranks):
            for pid in self.processes_of(rank):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        if self.options.by in ("srun", "sbatch"):  # whose allocation outlives it
            subprocess.run(["scancel", "--quiet", f"--user={os.environ.get('USER', 'root')}"],
                           env=self.options.environment)
        if self.options.by == "sbatch":
            until(60, lambda: not subprocess.run(["squeue", "-h"], env=self.options.environment,
                                                 capture_output=True).stdout)
            shutil.rmtree(self.run, ignore_errors=True)
            return
        if not until(40, lambda: self.process.poll() is not None):
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        shutil.rmtree(self.run, ignore_errors=True)


def healthy(options, number, _):
    start = Start(options, number)
    code = start.end(300)
    start.done()
    return code == 0, time.monotonic() - start.began, f"code {code}\n{start.log_text()}", None


def fault(options, number, chance):
    sign = signal.SIGKILL if options.campaign == "kill" else signal.SIGSTOP
    start, victim = Start(options, number), chance.randrange(options.ranks)
    if not until(60, lambda: start.processes_of(victim) or start.process.poll() is not None):
        return False, 60, "no rank has come", None
    for wanted in STAGES[:1 + number % len(STAGES)]:
        until(60, lambda: (stage := start.stage(victim)) is None or STAGES.index(stage)
              >= STAGES.index(wanted))
    time.sleep(chance.uniform(0, options.usual / 20))
    stage = start.stage(victim)
    try:
        os.kill(start.processes_of(victim)[0], sign)
    except (IndexError, ProcessLookupError):
        start.done()
        return False, 0, f"rank {victim} had ended by itself: {start.log_text()}", stage
    began = time.monotonic()
    named = re.compile(rf"rank {victim}\b[^\n]*(is lost|gave up|exited on signal|was ended by signal)|task "
                       rf"{victim}: Killed")
    until(60, lambda: named.search(start.log_text()) or start.process.poll() is not None)
    seconds = time.monotonic() - began
    code = start.end(60)
    fine = bool(named.search(start.log_text())) and seconds <= SECONDS and code in (
        AGAIN if options.by == "sbatch" else CODES.get((options.campaign, options.by), (4,)))
    told = (f"{sign.name} for rank {victim}, {began - start.began:.2f} s after the start, {stage}: named "
            f"after {seconds:.1f} s, code {code}")
    start.done()
    return fine, seconds, told + "\n" + start.log_text(), stage


def usual_seconds(options):
    """From the start of a rank's process to the first step, as measured once."""
    start = Start(options, "usual")
    assert until(120, lambda: start.processes_of(0)), start.log_text()
    began = time.monotonic()
    assert until(300, lambda: start.last_step() > 0), start.log_text()
    seconds = time.monotonic() - began
    if options.by != "sbatch":
        start.process.terminate()
    start.done()
    return seconds


def campaign(options):
    options.folder = pathlib.Path(tempfile.mkdtemp(prefix="lodestone-starts-", dir=options.where))
    busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(options.busy)]
    chance, seconds, good, stages = random.Random(options.seed), [], 0, collections.Counter()
    deadline = time.monotonic() + 60 * options.minutes
    try:
        options.usual = 0 if options.campaign == "healthy" else usual_seconds(options)
        trial = healthy if options.campaign == "healthy" else fault
        while len(seconds) < options.trials and time.monotonic() < deadline:
            fine, took, told, stage = trial(options, len(seconds), chance)
            seconds.append(took)
            good += fine
            stages[stage] += 1
            if not fine:
                print(f"trial {len(seconds)}: {told}", file=sys.stderr)
            else:
                print(f"trial {len(seconds)}: {told.splitlines()[0]}", file=sys.stderr)
    finally:
        for process in busy:
            process.kill()
        shutil.rmtree(options.folder, ignore_errors=True)
    result = {"campaign": options.campaign, "by": options.by, "ranks": options.ranks, "busy": options.busy,
              "trials": len(seconds),
              "as_promised": good, "seconds": percentiles(seconds), "right": good == len(seconds)}
    if options.campaign != "healthy":
        result.update(stages=stages, usual_seconds=round(options.usual, 1))
    return result


def on_slurm(options):
    """The same on a cluster of this process's own."""
    import contextlib
    import sandbox
    import slurm_test
    sandbox.need("munged", "slurmctld", "slurmd", "srun", "mpirun", "ip", options.program)
    sandbox.enclose()
    slurm_test.LODESTONE = options.program
    with contextlib.ExitStack() as stack:
        options.where = stack.enter_context(sandbox.folder())
        cluster = slurm_test.Cluster(pathlib.Path(options.where) / "slurm")
        cluster.start(stack.enter_context)
        options.environment = dict(cluster.environment, **sandbox.ENVIRONMENT)
        return campaign(options)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("campaign", choices=("healthy", "kill", "stop"))
    parser.add_argument("--by", choices=RANK, default="launch")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--program", default="build/lodestone")
    parser.add_argument("--json")
    options = parser.parse_args()
    options.program = str(pathlib.Path(options.program).resolve())
    options.environment, options.where = ENVIRONMENT, None
    result = on_slurm(options) if options.by in ("srun", "sbatch") else campaign(options)
    print(json.dumps(result))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result) + "\n")
    return 0 if result["right"] else 1


if __name__ == "__main__":
    sys.exit(main())
