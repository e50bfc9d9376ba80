"""A small training run with everything in its state, on pictures made here, to be started, killed and looked
at."""
import json
import os
import pathlib
import random
import signal
import struct
import subprocess
import time

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
               "OMPI_MCA_mpi_yield_when_idle": "1"}
CONFIG = """
global_batch: 16
threads: 1
data:
  root: {root}
  train: {{path: train-images-idx3-ubyte}}
  image: {{width: 16, height: 16}}
  loader: {{depth: 1}}
sampler: {{name: hard_class, samples_per_class: 4, hard_class: {{cluster: 2, refresh: 4}}}}
encoder: {{name: conv4, channels: [8, 8, 8], embedding: 8}}
ema: {{decay: 0.9}}
memory: {{kind: momentum, size: 40}}
batch_norm: {batch_norm}
distributed: {{timeout: 60}}
"""


def make_data(folder):
    """64 pictures of 8 classes as IDX files, always the same."""
    dice = random.Random(1)
    shapes = [[dice.randrange(180) for _ in range(256)] for _ in range(8)]
    pixels = bytes(value + dice.randrange(70) for i in range(64) for value in shapes[i % 8])
    (folder / "train-images-idx3-ubyte").write_bytes(struct.pack(">4i", 2051, 64, 16, 16) + pixels)
    (folder / "train-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, 64)
                                                     + bytes(i % 8 for i in range(64)))


class TrainingRun:
    def __init__(self, program, folder, name, settings, batch_norm="local"):
        self.program, self.root = program, folder / name
        self.settings = settings
        self.config = folder / f"{name}.yaml"
        self.config.write_text(f"run_dir: {self.root}\n" + CONFIG.format(root=folder, batch_norm=batch_norm))

    def start(self, ranks):
        command = [self.program, "train", self.config]
        for setting in self.settings:
            command += ["--set", setting]
        if ranks > 1:
            command = ["mpirun", "--oversubscribe", "-n", str(ranks)] + command
        return subprocess.Popen(command, env={**os.environ, **ENVIRONMENT}, start_new_session=True, text=True,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def finish(self, ranks, limit=300):
        process = self.start(ranks)
        _, errors = process.communicate(timeout=limit)
        if process.returncode:
            raise SystemExit(f"{self.root}: exit code {process.returncode}\n{errors}")
        return errors

    def step(self):
        """The last step that the metrics tell of; looks at their end alone, since campaigns ask all the
        time."""
        try:
            with open(self.root / "metrics.jsonl", "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - (1 << 14)))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return 0
        return max((parsed.get("step", 0) for parsed in map(parse, lines[-3:])), default=0)

    def trained(self):
        """The lines of the metrics that tell of a step, in the order of the file."""
        lines = map(parse, (self.root / "metrics.jsonl").read_text().splitlines())
        return [line for line in lines if line.get("kind") == "train"]

    def steps(self):
        return [line["step"] for line in self.trained()]

    def losses(self):
        return [line["loss"] for line in self.trained()]

    def checkpoints(self):
        return sorted((self.root / "checkpoints").glob("step-*[0-9]"))

    def temporaries(self):
        return [path.name for path in (self.root / "checkpoints").glob("*.tmp*")]

    def state(self, only=""):
        """The bytes of all tensors of the newest checkpoint, by file."""
        newest = [path for path in self.checkpoints() if ".tmp" not in path.name][-1]
        return {path.name: path.read_bytes() for path in sorted(newest.glob(f"{only}*.safetensors"))}


def parse(line):
    try:
        return json.loads(line)
    except ValueError:
        return {}


def members(process):
    """Processes of the session that `process` began: mpirun and its ranks, whatever group they are in."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == process.pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def kill(process):
    """As when the host dies: all at once, by SIGKILL. Returns what was said until then."""
    for pid in members(process):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    _, errors = process.communicate(timeout=60)
    deadline = time.monotonic() + 60
    while members(process):
        if time.monotonic() > deadline:
            raise SystemExit("killed processes are still there")
        time.sleep(0.01)
    return errors


def numbers(file):
    """The float32 numbers of a safetensors file."""
    header = struct.unpack("<Q", file[:8])[0]
    described = json.loads(file[8:8 + header])
    found = []
    for name, tensor in sorted(described.items()):
        if tensor.get("dtype") == "F32":
            begin, end = (8 + header + offset for offset in tensor["data_offsets"])
            found += struct.unpack(f"<{(end - begin) // 4}f", file[begin:end])
    return found
