#!/usr/bin/env python3
"""Jobs of two ranks on two hosts (network namespaces) whose network fails in mid-training: what
docs/reliability.md says of networks.

usage: network.py [delay|reset|half-open|partition ...] [--trials N] [--program build/lodestone] [--minutes M]
                  [--json FILE]

delay      from some step on all packets are late, out of order and one in 100 is lost: the run must end
           with 0
reset      all TCP connections are ended: the supervisor must start the job again, and the run must end with 0
half-open  one host hears the other, which doesn't hear it; partition: neither hears the other.
           Without a restart, the job must end with 4 within 30 s. Once the network is whole the run goes on
           and must end with 0

All runs are of the same steps. In the end their losses and weights must be bit for bit those of a run on a
whole network.
Needs root, ip, /dev/net/tun and mpirun. Bounded by --minutes. Exits 1 if anything went otherwise.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

from faulty_link import HOSTS, NETWORK, FaultyLink, kill_all_on, on_first_host, write_hosts
from training_run import ENVIRONMENT, TrainingRun, make_data

FAULTS = ("delay", "reset", "half-open", "partition")
STEPS, LIMIT = 60, 30.0
SETTINGS = [f"schedule.steps={STEPS}", "checkpoint.every_steps=5"]


class NetworkRun(TrainingRun):
    """A supervised run over both hosts."""

    def launch(self, restarts):
        hosts = self.root.parent / "hosts"
        command = [self.program, "launch", "-n", 2, "--hostfile", hosts, "--max-restarts", restarts, "--",
                   "train", self.config]
        for setting in self.settings:
            command += ["--set", setting]
        over_tcp = {"OMPI_MCA_plm_rsh_agent": str(hosts.with_name("agent")), "OMPI_MCA_btl": "tcp,self",
                    "OMPI_MCA_pml": "ob1",
                    "OMPI_MCA_btl_tcp_if_include": NETWORK, "OMPI_MCA_oob_tcp_if_include": NETWORK,
                    "OMPI_MCA_orte_keep_fqdn_hostnames": "1"}
        self.log = open(self.root.with_suffix(".log"), "a")
        return subprocess.Popen(on_first_host(command), env={**os.environ, **ENVIRONMENT, **over_tcp},
                                stdout=subprocess.DEVNULL,
                                stderr=self.log)

    def said(self):
        return self.root.with_suffix(".log").read_text()

    def restarts(self):
        """How often the supervisor says that it starts the job again; from the beginning, if it was too early
        for a checkpoint."""
        return self.said().count("; restart ")

    def loss_of_steps(self):
        """The last that was said of each step: a step may have been done again after a restart."""
        return [loss for _, loss in sorted(dict(zip(self.steps(), self.losses())).items())]


def ended(process, seconds):
    """The exit code, or None if the job is killed because it still runs after so long."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        for name in HOSTS:
            kill_all_on(name)
        process.wait()
        return None


def trial(link, fault, program, folder, name, at_step):
    """One run with the fault from `at_step` on. Returns (run, what went wrong or "", seconds until the job
    was over it)."""
    run, before = NetworkRun(program, folder, name, SETTINGS), dict(link.counts)
    process = run.launch(3 if fault == "reset" else 0)
    deadline = time.monotonic() + 120
    while run.step() < at_step and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    if run.step() < at_step:
        ended(process, 0)
        return run, f"expected step {at_step} before the fault, got {run.step()}", 0.0
    began, link.fault = time.monotonic(), fault
    if fault == "reset":
        time.sleep(0.5)
        link.fault = "none"
    code = ended(process, 240 if fault in ("delay", "reset") else 120)
    seconds, link.fault = time.monotonic() - began, "none"
    done = {kind: link.counts[kind] - before[kind] for kind in before}
    if link.failure:
        raise link.failure
    if fault == "delay" and not (done["delayed"]
                                 and done["lost"]) or fault == "reset" and not (
                                     done["reset"] and run.restarts()):
        return run, f"expected the fault to strike, got {done} and {run.restarts()} restarts", seconds
    if fault in ("half-open", "partition"):
        if code != 4 or seconds > LIMIT or "is lost" not in run.said():
            return run, f"expected 4 within {LIMIT} s and a name, got {code}", seconds
        code = ended(run.launch(0), 240)
    return run, "" if code == 0 else f"expected 0, got {code}", seconds


def campaign(options, folder):
    dice, report = random.Random(options.seed), {}
    end = time.monotonic() + 60 * options.minutes
    with FaultyLink() as link:
        calm = NetworkRun(options.program, folder, "calm", SETTINGS)
        if (code := ended(calm.launch(0), 240)) != 0:
            raise SystemExit(f"the run on a whole network: exit code {code}\n{calm.said()}")
        for fault in options.faults or FAULTS:
            right, times, before = 0, [], dict(link.counts)
            for number in range(options.trials):
                if time.monotonic() > end:
                    break
                at_step = dice.randrange(5, STEPS // 2)
                run, wrong, seconds = trial(link, fault, options.program, folder, f"{fault}{number}", at_step)
                if not wrong and (run.loss_of_steps() != calm.loss_of_steps() or run.state() != calm.state()):
                    wrong = "losses or weights are not those of the run on a whole network"
                print(f"{fault} {number}: from step {at_step} on, {seconds:.1f} s, {wrong or 'as promised'}",
                      flush=True)
                if wrong:
                    print(run.said(), file=sys.stderr)
                right += not wrong
                times.append(seconds)
            packets = {kind: link.counts[kind] - before[kind] for kind in before}
            report[fault] = {"trials": len(times), "right": right, "median_seconds": statistics.median(times)
                             if times else None,
                             "most_seconds": max(times, default=None), "packets": packets}
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", help="all if none is named")
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--program", default="build/lodestone",
                        type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--minutes", type=float, default=20, help="after which no new trial is begun")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    if unknown := set(options.faults) - set(FAULTS):
        parser.error(f"expected {', '.join(FAULTS)}, got {', '.join(unknown)}")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_data(folder)
        write_hosts(folder)
        report = campaign(options, folder)
    print(json.dumps(report, indent=1))
    if options.json:
        options.json.write_text(json.dumps(report))
    return 0 if all(found["right"] == found["trials"] == options.trials for found in report.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
