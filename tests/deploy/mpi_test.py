#!/usr/bin/env python3
"""deploy/mpi/train.sh across two hosts with two ranks each: binding, the choice of network, TERM, the loss of
a host, and of a rank as it is loaded.
usage: mpi_test.py LODESTONE"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import unittest

import sandbox
from hosts import NAMES, Hosts, Sshd
from small_run import Child, until
from training_run import TrainingRun, make_data

LODESTONE = "lodestone"
TRAIN = sandbox.ROOT / "deploy/mpi/train.sh"
STEPS = 500
# Five starts' and some: two hosts with two ranks each share what processors other programs leave. Nothing is
# waited for longer than it takes.
PATIENCE = 180
BIND = "core" if len(os.sched_getaffinity(0)) > 1 else "none"  # a core for each of a host's two ranks


class Mpi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(sandbox.folder()))
        make_data(cls.folder)
        cls.file = cls.folder / "hostfile"
        cls.file.write_text("".join(f"{name} slots=2\n" for name in NAMES))
        cls.sshd = Sshd(cls.folder)
        cls.hosts = Hosts(cls.folder, cls.sshd.service)
        cls.addClassCleanup(cls.hosts.stop)
        for name in NAMES:
            cls.wait_for_ssh(name)

    @classmethod
    def wait_for_ssh(cls, name):
        words = cls.hosts.command("hosta", *cls.sshd.client.split(), name, "true")
        until(60, f"ssh to {name}", lambda: subprocess.run(words, capture_output=True).returncode == 0)

    def make_run(self, name, steps):
        # Canonical: the bits don't depend on how many ranks there are, so that a run which lost a host can be
        # compared.
        return TrainingRun(LODESTONE, self.folder, name, [
            f"schedule.steps={steps}", "checkpoint.every_steps=20", "determinism=canonical",
                                                          "micro_shards=4"])

    def start(self, run, hostfile=None, **more):
        """train.sh on hosta."""
        environment = {"SSH": self.sshd.client, "INTERFACE": "data0", "BIND": BIND, "MIN_RANKS": "2",
                       "LODESTONE": LODESTONE, **more}
        words = [word for setting in run.settings for word in ("--set", setting)]
        self.log = self.folder / f"{run.root.name}-{len(list(self.folder.glob('*.out')))}.out"
        return self.enterContext(Child(self.hosts.command("hosta", TRAIN, hostfile or self.file, run.config,
                                                          *words), self.log,
                                       env={**os.environ, **environment}))

    def wait_for(self, what, condition, job, seconds=PATIENCE):
        try:
            return until(seconds, what, lambda: job.alive() and condition())
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log.read_text()[-4000:]}") from None

    def end(self, job, seconds=PATIENCE):
        try:
            return job.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end\n{self.log.read_text()[-4000:]}") from None

    def ranks(self, name):
        """{rank: process as seen from here} of what trains on a host."""
        found = {}
        space = os.readlink(f"/proc/{self.hosts.pid[name]}/ns/pid")
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                rank = re.search(rb"\0OMPI_COMM_WORLD_RANK=(\d+)\0", (folder / "environ").read_bytes())
                if rank and os.readlink(folder / "ns/pid") == space and os.readlink(
                    folder / "exe") == LODESTONE:
                    found[int(rank[1])] = int(folder.name)
            except OSError:
                continue
        return found

    def stop(self, job):
        """TERM for train.sh itself."""
        inside = int(self.hosts.run("hosta", "pgrep", "-o", "-f", f"{LODESTONE} launch"))
        self.hosts.run("hosta", "kill", "-TERM", inside)
        return self.end(job)

    def test_1_ranks_sit_on_both_hosts_bound_to_cores_and_talk_through_the_chosen_device(self):
        run = self.make_run("apart", 1000000)
        job = self.start(run)
        self.wait_for("step 20", lambda: run.step() >= 20, job)
        ranks = [self.ranks(name) for name in NAMES]
        self.assertEqual([sorted(those) for those in ranks], [[0, 1], [2, 3]])
        if BIND == "core":
            for process in [process for those in ranks for process in those.values()]:
                self.assertEqual(len(os.sched_getaffinity(process)), 1)
        far = pathlib.Path(f"/proc/{ranks[1][2]}/environ").read_bytes().split(b"\0")
        self.assertIn(b"NCCL_SOCKET_IFNAME=data0", far)
        devices = ("data0", "office0")
        before = [self.hosts.sent("hostb", device) for device in devices]
        step = run.step()
        self.wait_for("50 steps more", lambda: run.step() >= step + 50, job)
        data, office = (self.hosts.sent("hostb", device) - old for device, old in zip(devices, before))
        self.assertGreater(data, 50 * 4 * 1536)  # the gradient alone
        self.assertLess(office, data / 10)
        self.assertEqual(self.stop(job), 75)
        self.assertEqual(run.checkpoints()[-1].name, f"step-{len(run.losses()):08d}")
        self.assertEqual([self.ranks(name) for name in NAMES], [{}, {}])

    def test_2_a_lost_host_costs_a_restart_and_its_return_gives_its_ranks_back(self):
        run, whole = self.make_run("parts", STEPS), self.make_run("whole", STEPS)
        job = self.start(run)
        self.wait_for("step 60", lambda: run.step() >= 60, job)
        self.hosts.lose("hostb")
        self.wait_for("the job goes on without it", lambda: "2 ranks (mpi)" in self.log.read_text(), job)
        self.assertRegex(self.log.read_text(), "rank [23] is lost")
        self.assertRegex(self.log.read_text(), "resumed .* at step [1-9]")
        self.assertEqual(sorted(self.ranks("hosta")), [0, 1])
        step = run.step()
        self.wait_for("20 steps more", lambda: run.step() >= step + 20, job)
        self.assertEqual(self.stop(job), 75)
        self.assertLess(run.step(), STEPS)
        stopped = run.checkpoints()[-1].name
        self.assertEqual(stopped, f"step-{run.step():08d}")

        self.hosts.boot("hostb")
        self.wait_for_ssh("hostb")
        job = self.start(run)
        self.assertEqual(self.end(job), 0, self.log.read_text())
        self.assertIn("4 ranks (mpi)", self.log.read_text())
        self.assertIn(f"{stopped} at step", self.log.read_text())
        whole.finish(2)
        self.assertEqual(run.state(), whole.state())

    def test_3_a_rank_alone_on_its_host_that_is_stopped_while_it_is_loaded_is_named_and_the_job_goes_on(self):
        run = self.make_run("loaded", 20)
        hostfile = self.folder / "one_each"
        hostfile.write_text("".join(f"{name} slots=1\n" for name in NAMES))
        # On hostb the program is a script that stops itself once and becomes the program: stopped before any
        # of its code runs.
        program, script, begun = (self.folder / name for name in ("program", "script", "begun"))
        program.touch()
        script.write_text(f'#!/bin/sh\n[ -e {begun} ] || {{ : >{begun}; kill -STOP $$; }}\nexec {program} '
                          f'"$@"\n')
        script.chmod(0o755)
        self.hosts.run("hostb", "mount", "--bind", LODESTONE, program)
        self.hosts.run("hostb", "mount", "--bind", script, LODESTONE)
        self.addCleanup(self.hosts.run, "hostb", "umount", LODESTONE, program)
        job = self.start(run, hostfile)
        self.wait_for("rank 1 is stopped", begun.exists, job)
        self.wait_for("it is named",
                      lambda:
                      "rank 1 on hostb is lost: stopped for 5 s as it started" in self.log.read_text(), job,
                      seconds=10)
        self.assertEqual(self.end(job), 0, self.log.read_text())
        self.assertIn("restart 1", self.log.read_text())


if __name__ == "__main__":
    LODESTONE = str(pathlib.Path(sys.argv[1]).resolve())
    sandbox.need("mpirun", "sshd", "ssh-keygen", "ip", "nsenter", "pgrep", LODESTONE)
    sandbox.enclose()
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
