"""A real run of two ranks on pictures made here, and what watching it takes."""
import os
import pathlib
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pictures

CONFIG = """\
run_dir: {folder}/run
global_batch: 16
data:
  root: {folder}
  train: {{path: pictures}}
  image: {{width: 16, height: 16}}
sampler: {{samples_per_class: 4}}
encoder: {{name: conv4, channels: [8, 8, 8], embedding: 8}}
loss: {{name: supcon, learn_temperature: true}}
miner: {{name: all}}
batch_norm: sync
schedule: {{steps: {steps}, warmup_steps: 2}}
checkpoint: {{every_steps: 200}}
distributed: {{timeout: 100, peer_timeout: 90}}
metrics: {{port: {port}, per_rank: true, targets_file: {folder}/targets/run.json}}
"""


def until(seconds, what, condition):
    """The first true value of condition(), asked again and again; an AssertionError that says `what` after
    `seconds`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return value


def free_ports(count):
    """The first of `count` neighbouring ports of the loopback network that nobody listens at."""
    for port in random.sample(range(20000, 30000), 100):
        try:
            for offset in range(count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port + offset))
            return port
        except OSError:
            continue
    raise AssertionError(f"no {count} neighbouring ports are free")


def fetch(url, method="GET", headers=None):
    with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers or {}),
                                timeout=10) as answer:
        return answer.read().decode()


def session_of(process):
    """The live processes of a session, named by its leader: mpirun puts each rank into a group of its own."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            if os.getsid(int(folder.name)) == process and state not in "ZX":
                yield int(folder.name)
        except (OSError, IndexError):
            continue


class Child:
    """A process in a session of its own, which ends with the `with` block; what it says goes to a file."""

    def __init__(self, command, log, **options):
        self.log = pathlib.Path(log)
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True,
                                            **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        def ended():
            left = list(session_of(self.process.pid))
            for member in left:
                try:
                    os.kill(member, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            return not left
        until(60, "its processes have ended", ended)  # before anybody removes the folder that they write to
        self.process.wait()

    def alive(self):
        assert self.process.poll() is None, self.log.read_text(errors="replace")
        return True


class Run(Child):
    """`mpirun -n RANKS lodestone train` in a folder; `settings`: what it sets beside, as KEY=VALUE."""

    def __init__(self, folder, lodestone, mpirun, ranks=2, steps=1000000, settings=()):
        self.folder, self.port = pathlib.Path(folder), free_ports(ranks)
        (self.folder / "targets").mkdir()
        pictures.make_classes(self.folder / "pictures")
        config = self.folder / "run.yaml"
        config.write_text(CONFIG.format(folder=folder, port=self.port, steps=steps))
        environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1",
                           OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                           OMPI_MCA_hwloc_base_binding_policy="none", OMPI_MCA_mpi_yield_when_idle="1")
        super().__init__([mpirun, "--oversubscribe", "-n", str(ranks), lodestone, "train", str(config),
                          *(word for setting in settings for word in ("--set", setting))],
                         self.folder / "log", env=environment)

    def ask(self, path, rank=0, method="GET", headers=None):
        """What a rank's server answers."""
        return fetch(f"http://127.0.0.1:{self.port + rank}{path}", method, headers)

    def metrics(self, rank=0):
        """What /metrics of a rank says now."""
        return self.ask("/metrics", rank)

    def wait_for_steps(self):
        """Until rank 0 serves and has done a step."""
        def stepped():
            try:
                return self.ask("/readyz")
            except (urllib.error.URLError, OSError):
                return False
        until(180, "a first step", lambda: self.alive() and stepped())

    def stop(self):
        """Asks it to end after the step under way; its exit code."""
        self.process.send_signal(signal.SIGUSR1)
        return self.process.wait(60)

    def process_of(self, rank):
        """The process of a rank on this host."""
        mark = f"OMPI_COMM_WORLD_RANK={rank}".encode()
        for process in session_of(self.process.pid):
            try:
                if mark in pathlib.Path(f"/proc/{process}/environ").read_bytes().split(b"\0"):
                    return process
            except OSError:
                continue
        raise AssertionError(f"no process of rank {rank}")
