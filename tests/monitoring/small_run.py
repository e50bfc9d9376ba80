"""A real run of two ranks on pictures made here, and a real Prometheus that scrapes it. Used by the tests beside this file."""
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

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
    """The first true value of condition(), asked again and again; an AssertionError that says `what` after `seconds`."""
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


def fetch(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


class Child:
    """A process in a group of its own, which ends with the `with` block; what it says goes to a file."""

    def __init__(self, command, log, **options):
        self.log = pathlib.Path(log)
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def alive(self):
        assert self.process.poll() is None, self.log.read_text(errors="replace")
        return True


class Run(Child):
    """`mpirun -n RANKS lodestone train` in a folder."""

    def __init__(self, folder, lodestone, mpirun, ranks=2, steps=1000000):
        self.folder, self.port = pathlib.Path(folder), free_ports(ranks)
        (self.folder / "targets").mkdir()
        self._draw()
        config = self.folder / "run.yaml"
        config.write_text(CONFIG.format(folder=folder, port=self.port, steps=steps))
        environment = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                           OMPI_MCA_hwloc_base_binding_policy="none", OMPI_MCA_mpi_yield_when_idle="1")
        super().__init__([mpirun, "--oversubscribe", "-n", str(ranks), lodestone, "train", str(config)], self.folder / "log",
                         env=environment)

    def _draw(self):
        noise = random.Random(1)
        for label in range(8):
            folder = self.folder / "pictures" / f"class{label}"
            folder.mkdir(parents=True)
            shape = noise.randbytes(256)
            for sample in range(6):
                pixels = bytes((value + noise.randrange(70)) // 2 for value in shape)
                (folder / f"{sample}.pgm").write_bytes(b"P5 16 16 255\n" + pixels)

    def metrics(self, rank=0):
        """What /metrics of a rank says now."""
        return fetch(f"http://127.0.0.1:{self.port + rank}/metrics")

    def wait_for_steps(self):
        """Until rank 0 serves and has done a step."""
        def stepped():
            try:
                return fetch(f"http://127.0.0.1:{self.port}/readyz")
            except (urllib.error.URLError, OSError):
                return False
        until(60, "a first step", lambda: self.alive() and stepped())

    def process_of(self, rank):
        """The process of a rank on this host."""
        mark = f"OMPI_COMM_WORLD_RANK={rank}".encode()
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.getsid(int(folder.name)) == self.process.pid and mark in (folder / "environ").read_bytes().split(b"\0"):
                    return int(folder.name)
            except (OSError, ProcessLookupError):
                continue
        raise AssertionError(f"no process of rank {rank}")


class Prometheus(Child):
    """Scrapes what a folder of file_sd says, every second, and evaluates rules as often."""

    def __init__(self, folder, program, targets, rules):
        folder = pathlib.Path(folder)
        self.port = free_ports(1)
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                  "rule_files": [str(rules)],
                  "scrape_configs": [{"job_name": "lodestone",
                                      "file_sd_configs": [{"files": [f"{targets}/*.json"], "refresh_interval": "1s"}]}]}
        (folder / "prometheus.yaml").write_text(json.dumps(config))
        super().__init__([program, f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/tsdb",
                          f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"], folder / "prometheus.log")

    def ask(self, path, **parameters):
        """The `data` of an answer of its API; an AssertionError with its own words if it refuses."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            return json.loads(fetch(url))["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {json.loads(error.read())['error']}") from error

    def query(self, expression):
        """[(labels, value)] of an instant query."""
        return [(row["metric"], float(row["value"][1])) for row in self.ask("query", query=expression)["result"]]

    def wait_until_up(self):
        def up():
            try:
                return fetch(f"http://127.0.0.1:{self.port}/-/ready")
            except (urllib.error.URLError, OSError):
                return False
        until(30, "Prometheus is ready", lambda: self.alive() and up())

    def firing(self):
        """Labels of the alerts that fire."""
        return [alert["labels"] for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"]
