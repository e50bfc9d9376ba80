#!/usr/bin/env python3
"""Saving 100 M weights with Adam's moments beside a running step: what the step waits and when all is
durable, `lodestone bench checkpoint` and torch.distributed.checkpoint's async_save by turns, beside one
memcpy and one raw write with fsync of the same bytes.

usage: async_save.py --folder FOLDER --python VENV/bin/python [--program build/lodestone] [--rounds 3]
[--parameters N] [--json FILE]

--python is one with PyTorch, whose async_save is called with its defaults: it fsyncs its files, and copies
into fresh memory each time (to keep that memory, its FileSystemWriter has it page-locked, which needs a GPU).
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SAVES = 3  # of each PyTorch process: the first one pays for fresh memory


def state_of(torch, parameters):
    """Weights and two moments in tensors of up to a million numbers, as `lodestone bench checkpoint` has
    them."""
    sizes = [min(1_000_000, parameters - first) for first in range(0, parameters, 1_000_000)]
    return {f"{name}.{i}": torch.full((size,), 0.5 + i) for i, size in enumerate(sizes) for name in (
        "weight", "first", "second")}


def torch_saves(folder, parameters):
    """What a process with PyTorch runs: seconds of stall and until durable of each save."""
    import torch
    import torch.distributed.checkpoint as checkpoint
    state, found = state_of(torch, parameters), []
    for save in range(SAVES):
        where = folder / f"save{save}"
        begin = time.perf_counter()
        future = checkpoint.async_save(state, checkpoint_id=where, no_dist=True)
        stall = time.perf_counter() - begin
        future.result()
        found.append({"stall": stall, "durable": time.perf_counter() - begin})
        shutil.rmtree(where)
    return found


def run_torch(options, folder):
    command = [options.python, __file__, "--folder", str(folder), "--parameters", str(options.parameters),
               "--torch"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if told.returncode:
        sys.exit(told.stderr)
    return json.loads(told.stdout.splitlines()[-1])


def run_ours(options, folder):
    out = folder / "lodestone.json"
    subprocess.run([options.program, "bench", "checkpoint", "--parameters", str(options.parameters),
                    "--folder", str(folder), "--repeat",
                    str(SAVES), "--json", str(out)], check=True, stdout=subprocess.DEVNULL, timeout=600)
    return json.loads(out.read_text())


def median(values):
    return statistics.median(list(values))


def torch_row(rounds):
    later = [save for saves in rounds for save in saves[1:]]
    return {"first_stall": median(saves[0]["stall"] for saves in rounds),
            "stall": median(save["stall"] for save in later),
            "durable": median(save["durable"] for save in later)}


def measure(options, folder):
    ours, torch = [], []
    for _ in range(options.rounds):
        ours.append(run_ours(options, folder))
        torch.append(run_torch(options, folder))
    of = lambda name: median(result[name] for result in ours)
    rows = {"lodestone": {"first_stall": of("first_copy_seconds"), "stall": of("stall_seconds"),
                          "durable": of("save_seconds")},
            "torch": torch_row(torch)}
    floors = {"memcpy": of("copy_seconds"), "raw_write": of("raw_write_seconds")}
    for row in rows.values():
        row["stall_by_memcpy"], row["durable_by_raw_write"] = row["stall"] / floors["memcpy"], row[
            "durable"] / floors["raw_write"]
    return {"bytes": 12 * options.parameters, "rounds": options.rounds,
            "threads": os.environ.get("OMP_NUM_THREADS", "all"), **floors,
            "rows": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="on the file system to measure")
    parser.add_argument("--python", help="an interpreter that has PyTorch")
    parser.add_argument("--program", default="build/lodestone")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parameters", type=int, default=100_000_000)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--torch", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.torch:
        print(json.dumps(torch_saves(options.folder, options.parameters)))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        result = measure(options, pathlib.Path(folder))
    for name, row in result["rows"].items():
        print(f"{name:10} first stall {row['first_stall']:.2f} s, later {row['stall']:.2f} s "
              f"({row['stall_by_memcpy']:.2f} of a memcpy); "
              f"durable after {row['durable']:.2f} s ({row['durable_by_raw_write']:.2f} of a raw write)")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
