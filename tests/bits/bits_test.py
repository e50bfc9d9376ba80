#!/usr/bin/env python3
"""Do 50 steps of each kind of training give the same bits as before?

usage: bits_test.py PROGRAM MPIRUN [--record | --against EARLIER]

Trains each configuration beside this file on data made here. Compares the losses of all steps, the metrics of
the last step and every tensor of the checkpoint with recorded.json. Bits also depend on the processor,
LibTorch and the compiler: recorded.json has a record for each combination (record.py, key). The test is
skipped if there is none.
  --record     replace the record of this machine: after a change that is meant to change bits; on a machine
               without a record, with the program of an earlier commit
  --against    compare with the results of another program on this machine instead of recorded.json
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import inputs
import record

HERE = pathlib.Path(__file__).resolve().parent
RECORDED = HERE / "recorded.json"
SKIPPED = 77
# Numbers of ranks of each configuration. Two at most: their sums don't depend on the order in which MPI adds.
RANKS = {"bert": (1,), "canonical": (1, 2), "captions": (2,), "intents": (1,), "memory": (2,),
         "micro_batches": (1,), "momentum": (1,), "pairs": (1,), "proxies": (2,), "ring": (2,),
         "triplets": (1,), "typefaces": (1, 2)}
# ATen, oneDNN and MKL choose kernels by the processor; with these settings, the same ones on all with AVX2.
PINNED = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2",
          "MKL_CBWR": "COMPATIBLE", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
       "OMPI_MCA_hwloc_base_binding_policy": "none", "OMPI_MCA_mpi_yield_when_idle": "1"}


class Runs:
    """Trains with a program, each run in a folder of its own."""

    def __init__(self, program, mpirun, data):
        self.program, self.mpirun, self.data = program, mpirun, data

    def train(self, name, ranks, settings=()):
        """Trains one configuration and returns its record."""
        run = pathlib.Path(tempfile.mkdtemp(dir=self.data.parent))
        words = [self.program, "train", HERE / f"{name}.yaml"]
        for setting in (f"run_dir={run}", f"data.root={self.data}", "threads=1", *settings):
            words += ["--set", setting]
        if ranks > 1:
            words = [self.mpirun, "--oversubscribe", "-n", str(ranks), *words]
        environment = dict(os.environ, **PINNED, **MPI)
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"{name} on {ranks} ranks: expected exit code 0, got {done.returncode}:\n"
                               f"{done.stderr[-2000:]}")
        return record.of_run(run)

    def all(self):
        """{"name, N ranks": record} of every configuration."""
        return {f"{name}, {ranks} rank{'s' * (ranks > 1)}": self.train(name, ranks)
                for name in sorted(RANKS) for ranks in RANKS[name]}


def check_that_it_can_fail(runs, intents):
    """Sentences for deliberate changes that the comparison misses; `intents` is the unchanged record."""
    overlooked = []
    changes = {"seed=2": "at step 1:", "optimizer.beta2=0.998": "the loss first differs at step",
               "optimizer.weight_decay=0.00011": "tensors differ"}
    for setting, expected in changes.items():
        found = " ".join(record.differences(intents, runs.train("intents", 1, [setting])))
        if expected not in found:
            overlooked.append(f"with {setting}: expected a difference '{expected}', found '{found}'")
    name = next(iter(intents["tensors"]))
    renamed = {f"{old}2": value for old, value in intents["tensors"].items()}
    for tensors, expected in (({**intents["tensors"], name: "0"}, f"first {name}"), (renamed, "other names")):
        found = " ".join(record.differences(intents, {**intents, "tensors": tensors}))
        if expected not in found:
            overlooked.append(f"with other tensors: expected '{expected}', found '{found}'")
    return overlooked


def write(records):
    """Writes recorded.json, each part of a record on a line of its own."""
    def lines(value, depth):
        if depth == 3:
            return json.dumps(value)
        inner = [f"{' ' * (depth + 1)}{json.dumps(name)}: {lines(part, depth + 1)}"
                 for name, part in sorted(value.items())]
        return "{\n" + ",\n".join(inner) + "\n" + " " * depth + "}"
    RECORDED.write_text(lines(records, 0) + "\n")


def compare(expected, got):
    """Prints the first differences of each run; returns the number of runs that differ."""
    wrong = 0
    for name in sorted(expected.keys() | got.keys()):
        both = name in expected and name in got
        found = record.differences(expected[name], got[name]) if both else ["only one of the two has it"]
        wrong += bool(found)
        print(f"{name}: {'; '.join(found) or 'same bits'}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=lambda name: pathlib.Path(name).resolve())
    parser.add_argument("mpirun")
    parser.add_argument("--record", action="store_true", help="replace the record of this machine")
    parser.add_argument("--against", type=lambda name: pathlib.Path(name).resolve(),
                        help="another program to compare with")
    arguments = parser.parse_args()
    records = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    key = record.key(arguments.program)
    if not arguments.record and not arguments.against and key not in records:
        print(f"skipped: recorded.json has no record for '{key}', only for: {'; '.join(records) or 'none'}. "
              "Compare with an earlier program (--against), or record with one (--record).")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "data"
        data.mkdir()
        inputs.make(data)
        runs = Runs(arguments.program, arguments.mpirun, data)
        got = runs.all()
        overlooked = check_that_it_can_fail(runs, got["intents, 1 rank"])
        if arguments.against:
            records[key] = Runs(arguments.against, arguments.mpirun, data).all()
    if arguments.record:
        records[key] = got
        write(records)
        print(f"recorded {len(got)} runs of '{key}'")
    wrong = compare(records[key], got)
    print("\n".join(overlooked) or "the comparison found every deliberate change")
    print(f"{len(got) - wrong} of {len(got)} runs have the same bits")
    return 1 if wrong or overlooked else 0


if __name__ == "__main__":
    sys.exit(main())
