"""One contestant in a process of its own: worker.py TASK ROWS.safetensors THREADS DEVICE

Says loss, gradient, memory and time of the first call as one JSON line; then,
for each number N on a line of standard input, the seconds of N calls. Ends with its input.
"""
import json
import pathlib
import sys
import time

import torch
from safetensors.torch import load_file

import tasks


def status_mib(key: str) -> float:
    """A line of /proc/self/status, in MiB."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) / 1024
    raise KeyError(key)


class Cpu:
    """Resident memory of this process; calls end when they are done."""

    def __init__(self) -> None:
        pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        self.before = status_mib("VmRSS")

    def extra_mib(self) -> float:
        return max(0.0, status_mib("VmHWM") - self.before)

    @staticmethod
    def wait() -> None:
        pass


class Cuda:
    """Memory of tensors on the GPU; calls go on there after they have ended here."""

    def __init__(self) -> None:
        torch.cuda.reset_peak_memory_stats()
        self.before = torch.cuda.memory_allocated()

    def extra_mib(self) -> float:
        return (torch.cuda.max_memory_allocated() - self.before) / 2**20

    @staticmethod
    def wait() -> None:
        torch.cuda.synchronize()


def first_call(task: tasks.Task, kind: type[Cpu] | type[Cuda]) -> dict[str, float]:
    """Loss, gradient, time, and how far memory rose above where it stood."""
    device = kind()
    start = time.perf_counter()
    loss = task.run()
    device.wait()
    seconds = time.perf_counter() - start
    return {"first_seconds": seconds, "extra_mib": device.extra_mib(),
            "value": loss.item(), "gradient_norm": task.gradient_norm()}


def timed(task: tasks.Task, kind: type[Cpu] | type[Cuda]) -> float:
    start = time.perf_counter()
    task.run()
    kind.wait()
    return time.perf_counter() - start


def say(what: object) -> None:
    print(json.dumps(what), flush=True)


def main() -> None:
    make = getattr(tasks, sys.argv[1])
    rows = load_file(sys.argv[2], sys.argv[4])
    torch.set_num_threads(int(sys.argv[3]))
    torch.set_default_device(sys.argv[4])  # of what tasks make themselves
    kind = Cpu if sys.argv[4] == "cpu" else Cuda
    try:
        make({name: tensor[:64] for name, tensor in rows.items()}).run()  # loads what loads late
        task = make(rows)
        say(first_call(task, kind))
        for line in sys.stdin:
            say([timed(task, kind) for _ in range(int(line))])
    except (RuntimeError, MemoryError, ImportError) as error:
        say({"error": str(error).splitlines()[0]})


if __name__ == "__main__":
    main()
