"""One contestant in a process of its own: worker.py TASK ROWS.safetensors THREADS

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


def first_call(task: tasks.Task) -> dict[str, float]:
    """Loss, gradient, time, and how far resident memory rose above where it stood."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = status_mib("VmRSS")
    start = time.perf_counter()
    loss = task.run()
    seconds = time.perf_counter() - start
    return {"first_seconds": seconds, "extra_mib": max(0.0, status_mib("VmHWM") - before),
            "value": loss.item(), "gradient_norm": task.gradient_norm()}


def timed(task: tasks.Task) -> float:
    start = time.perf_counter()
    task.run()
    return time.perf_counter() - start


def say(what: object) -> None:
    print(json.dumps(what), flush=True)


def main() -> None:
    make = getattr(tasks, sys.argv[1])
    rows = load_file(sys.argv[2])
    torch.set_num_threads(int(sys.argv[3]))
    try:
        make({name: tensor[:64] for name, tensor in rows.items()}).run()  # loads what loads late
        task = make(rows)
        say(first_call(task))
        for line in sys.stdin:
            say([timed(task) for _ in range(int(line))])
    except (RuntimeError, MemoryError) as error:
        say({"error": str(error).splitlines()[0]})


if __name__ == "__main__":
    main()
