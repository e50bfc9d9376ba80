#!/usr/bin/env python3
"""deploy/slurm on a real slurmctld and slurmd: the time limit's warning, preemption, killed and stopped
ranks, cancelling, an array.
usage: slurm_test.py LODESTONE"""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

import sandbox
from hosts import Hosts
from small_run import Child, until
from training_run import TrainingRun, kill, make_data

LODESTONE = "lodestone"
SLURM = sandbox.ROOT / "deploy/slurm"
STEPS = 800
# A start takes some seconds of processor time on each host, and a host here has a third of one processor
# while two other processes compute beside the test: 20 to 30 s until a first step were seen then. Waits are
# for what comes, so that a long limit costs time only where something is wrong.
PATIENCE = 180
# What belongs to one host alone lies in /dev/shm: other folders are the same on both.
SETTINGS = """ClusterName=test
SlurmctldHost={host}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir=/dev/shm/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdLogFile={folder}/slurmd-%n.out
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=30
ReturnToService=2
SlurmdTimeout=6
NodeName=hosta,hostb CPUs=1 State=UNKNOWN
PartitionName=low Nodes=ALL Default=YES MaxTime=600 State=UP PriorityTier=1 GraceTime=60
PartitionName=high Nodes=ALL MaxTime=600 State=UP PriorityTier=2 PreemptMode=OFF
"""


class Cluster:
    """munged and slurmctld, and two hosts with a slurmd each, one processor wide."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "state").mkdir(parents=True)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        host = socket.gethostname().split(".")[0]
        (folder / "slurm.conf").write_text(SETTINGS.format(folder=folder, host=host))
        (folder / "cgroup.conf").write_text("")
        (folder / "mpi.conf").write_text("PMIxCliTmpDirBase=/dev/shm\n")
        self.environment = dict(os.environ, SLURM_CONF=f"{folder}/slurm.conf", LODESTONE=LODESTONE)

    def start(self, stack):
        """Until the node is idle. The daemons end with the stack."""
        munged = ["munged", "--foreground", "--force"]
        munged += [f"--{what}-file={self.folder}/munge.{what}" for what in ("key", "pid", "log", "seed")]
        self.daemon(stack, *munged, f"--socket={self.folder}/munge.socket")
        until(20, "munged listens", (self.folder / "munge.socket").exists)
        self.hosts = stack(Hosts(self.folder, "slurmd -D", self.environment))
        self.daemon(stack, "slurmctld", "-D")
        try:
            until(PATIENCE, "both nodes are idle",
                  lambda: self.call("sinfo", "-h", "-o", "%T %D", check=False).startswith("idle 2"))
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.said()}") from None

    def daemon(self, stack, *command):
        stack(Child(command, self.folder / f"{command[0]}.out", env=self.environment))

    def call(self, *command, check=True):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        if check and done.returncode:
            raise AssertionError(f"{command}: code {done.returncode}\n{done.stderr}")
        return done.stdout.strip()

    def submit(self, folder, *words):
        """A job whose log is FOLDER/job.log, unless the words say otherwise."""
        return self.call("sbatch", "--parsable", "--nodes=2", "--ntasks-per-node=1", f"--chdir={folder}",
                         f"--output={folder}/job.log", *words)

    def state(self, job):
        return self.call("squeue", "-h", "-t", "all", "-j", job, "-o", "%T", check=False)

    def said(self):
        """All that daemons and queue can say, for the report of a failure."""
        logs = [f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in sorted(
            self.folder.glob("*.out"))]
        return "\n".join([self.call("squeue", "-t", "all", check=False), *logs])


class Slurm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(sandbox.folder()))
        make_data(cls.folder)
        cls.cluster = Cluster(cls.folder / "slurm")
        cls.cluster.start(cls.enterClassContext)
        # Runs while the first test waits for the time limit.
        cls.whole = cls.make_run("whole", STEPS)
        cls.whole_process = cls.whole.start(2)
        cls.addClassCleanup(kill_session, cls.whole_process)

    @classmethod
    def make_run(cls, name, steps):
        settings = [f"schedule.steps={steps}", "checkpoint.every_steps=100"]
        run = TrainingRun(LODESTONE, cls.folder, name, settings)
        run.words = [str(run.config), *(word for setting in settings for word in ("--set", setting))]
        run.where = cls.folder / f"{name}-job"
        run.where.mkdir()
        return run

    def log(self, run):
        path = run.where / "job.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_for(self, what, condition, run, seconds=PATIENCE):
        """Polls; a failure tells what job and daemons said."""
        try:
            until(seconds, what, condition)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log(run)[-3000:]}\n{self.cluster.said()}") from None

    def wait_for_words(self, words, run):
        self.wait_for(f"the job says: {words}", lambda: re.search(words, self.log(run)), run)

    def wait_for_step(self, number, run):
        self.wait_for(f"step {number}", lambda: run.step() >= number, run)

    def limit(self, job, minutes):
        self.cluster.call("scontrol", "update", f"JobId={job}", f"TimeLimit={minutes}")

    def preempt(self):
        """An urgent job that takes the whole node for a moment."""
        job = self.cluster.submit(self.folder, "--partition=high", "--exclusive", "--wrap=true")
        until(PATIENCE, "the urgent job has run", lambda: self.cluster.state(job) in ("COMPLETED", ""))

    def test_1_the_time_limit_saves_and_requeues_and_a_cancelled_job_stays_cancelled(self):
        run = self.make_run("limited", 1000000)
        # Slurm looks every 30 s, and warns when less than the signal's time and 30 s are left. The limit is
        # set when the ranks train: to two minutes at most from now, so that the warning comes at the next
        # look, and the job has half a minute.
        job = self.cluster.submit(run.where, "--time=30", "--signal=B:USR1@100", SLURM / "train.sbatch",
                                  *run.words)
        self.wait_for_step(20, run)
        elapsed = int(self.cluster.call("squeue", "-h", "-j", job, "-o", "%M").split(":")[-2])
        self.limit(job, elapsed + 2)
        self.wait_for_words("start 1: exit code 75", run)
        self.limit(job, 30)
        saved = run.step()
        self.assertEqual([path.name for path in run.checkpoints()][-1], f"step-{saved:08d}")
        self.wait_for_step(saved + 20, run)
        self.assertEqual(run.steps()[:saved + 20], list(range(1, saved + 21)))
        self.cluster.call("scancel", job)
        self.wait_for("it is cancelled", lambda: self.cluster.state(job) == "CANCELLED", run)
        self.wait_for_words("start 2: Slurm has it as [A-Z]", run)
        self.assertEqual(self.log(run).count("back to the queue"), 1)
        self.assertEqual(run.checkpoints()[-1].name, f"step-{run.step():08d}")

    def test_2_preempted_twice_and_bereft_of_a_rank_a_run_ends_with_the_weights_of_one_left_alone(self):
        run = self.make_run("parts", STEPS)
        job = self.cluster.submit(run.where, SLURM / "train.sbatch", *run.words)
        self.wait_for_step(20, run)
        self.preempt()
        self.wait_for_words("start 1: exit code 75", run)

        self.wait_for_step(run.step() + 20, run)
        send_rank_1(signal.SIGKILL)
        self.wait_for_words("start 2: exit code (4|137)", run)

        self.wait_for_step(run.step() + 20, run)
        self.cluster.call("scontrol", "requeue", job)  # what a preemption without a time of grace does
        # srun may be ended by the signal too: the ranks have saved
        self.wait_for_words("start 2: Slurm has it as", run)
        self.assertEqual(run.checkpoints()[-1].name, f"step-{run.step():08d}")
        self.assertLess(run.step(), STEPS)

        self.wait_for_words("start 3: exit code 0", run)
        _, errors = self.whole_process.communicate(timeout=PATIENCE)
        self.assertEqual(self.whole_process.returncode, 0, errors)
        self.assertEqual(run.state(), self.whole.state())
        self.assertEqual(run.losses()[-20:], self.whole.losses()[-20:])

    def test_3_an_array_trains_seeds_in_folders_of_their_own(self):
        run = self.make_run("seeds", 4)
        self.cluster.environment.update(RUNS=str(self.folder / "seeds"),
                                        TRAIN_SBATCH=str(SLURM / "train.sbatch"))
        job = self.cluster.submit(run.where, "--array=0-1", f"--output={run.where}/job%a.log",
                                  SLURM / "array.sbatch", *run.words)
        self.wait_for("both have ended", lambda: set(self.cluster.state(job).split()) == {"COMPLETED"}, run)
        weights = [
            (self.folder
             / f"seeds/seed-{seed}/checkpoints/step-00000004/model.safetensors").read_bytes() for seed in (
                 0, 1)]
        self.assertNotEqual(*weights)

    def test_4_a_lost_node_sends_the_job_back_to_the_queue_and_its_return_brings_it_on(self):
        run = self.make_run("lost", 1000000)
        job = self.cluster.submit(run.where, SLURM / "train.sbatch", *run.words)
        self.wait_for_step(120, run)
        self.cluster.hosts.lose("hostb")
        self.wait_for("the job waits for a node", lambda: self.cluster.state(job) == "PENDING", run)
        before = run.step()
        self.cluster.hosts.boot("hostb")
        self.wait_for_step(before + 20, run)
        self.assertRegex(self.log(run), "resumed .* at step [1-9]")
        self.cluster.call("scancel", job)

    def test_5_a_rank_that_is_stopped_before_or_after_its_program_begins_is_named_and_the_job_goes_on(self):
        run = self.make_run("stopped", 1000000)
        # Stopped as it would be while the loader links the program: nothing of the program can tell.
        program = run.where / "lodestone"
        program.write_text(f'#!/bin/sh\n[ "$SLURM_PROCID $LODESTONE_GENERATION" != "1 0" ] || kill -STOP $$\n'
                           f'exec {LODESTONE} "$@"\n')
        program.chmod(0o755)
        job = self.cluster.submit(run.where, f"--export=ALL,LODESTONE={program}", SLURM / "train.sbatch",
                                  *run.words)
        self.wait_for_words("rank 1 on hostb is lost: stopped for 5 s as it started", run)
        self.wait_for_words("start 1: exit code 137", run)

        self.wait_for_step(120, run)
        began = time.monotonic()
        send_rank_1(signal.SIGSTOP)
        self.wait_for_words("rank 1 is lost: silent for", run)
        self.assertLess(time.monotonic() - began, 10)  # twice distributed.peer_timeout
        self.wait_for("the job has begun again", lambda: self.log(run).count("start 1: exit code") == 2, run)
        before = run.step()
        self.wait_for_step(before + 20, run)
        self.cluster.call("scancel", job)


def kill_session(process):
    """What is left of a job that was started in a session of its own."""
    if process.poll() is None:
        kill(process)


def send_rank_1(number):
    """A signal for rank 1 of whatever srun has started here."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if b"SLURM_PROCID=1" in (folder / "environ").read_bytes().split(b"\0") and os.readlink(
                folder / "exe") == LODESTONE:
                return os.kill(int(folder.name), number)
        except OSError:
            continue
    raise AssertionError("there is no rank 1")


if __name__ == "__main__":
    LODESTONE = str(pathlib.Path(sys.argv[1]).resolve())
    sandbox.need("munged", "slurmctld", "slurmd", "srun", "mpirun", "ip", LODESTONE)
    sandbox.enclose()
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
