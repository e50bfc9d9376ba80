#!/usr/bin/env python3
"""Campaigns against the checkpoints of real runs, each bounded in time: docs/checkpoints.md says what they
have shown.

  python3 bench/faults/checkpoints.py kills --ranks 4 --kills 1800 --seconds 3600
  python3 bench/faults/checkpoints.py interruptions --ranks 1 --kills 100
  python3 bench/faults/checkpoints.py worlds [--canonical]
  python3 bench/faults/checkpoints.py flips --flips 200
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

from training_run import TrainingRun, kill, make_data, numbers

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("LODESTONE", str(ROOT / "build" / "lodestone"))


def kills(folder, options):
    """Kills a run that saves after every step at random moments; each start must go on from a whole
    checkpoint."""
    run = TrainingRun(PROGRAM, folder, "kills", ["schedule.steps=1000000", "checkpoint.every_steps=1"])
    dice, end = random.Random(options.seed), time.monotonic() + options.seconds
    done = in_a_save = torn = unloadable = 0
    most_lost = 0
    while done < options.kills and time.monotonic() < end:
        before = run.step()
        process = run.start(options.ranks)
        while run.step() <= before and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(dice.uniform(0, 0.2))
        ended = process.poll() is not None
        reached = run.step()
        errors = kill(process)
        if ended:
            unloadable += 1
            print(f"ended by itself with {process.returncode}: {errors}", file=sys.stderr)
        torn += "damaged" in errors
        in_a_save += bool(run.temporaries())
        newest = max((int(path.name[5:]) for path in run.checkpoints() if ".tmp" not in path.name), default=0)
        most_lost = max(most_lost, reached - newest)
        done += 1
    return {"ranks": options.ranks, "kills": done, "in_a_save": in_a_save, "torn": torn,
            "unloadable": unloadable,
            "most_steps_lost": most_lost}


def interruptions(folder, options):
    """Kills a run after random steps until it ends; losses and state must be those of a run that was left
    alone."""
    steps = 8 * options.kills
    settings = [f"schedule.steps={steps}", "checkpoint.every_steps=3"]
    whole = TrainingRun(PROGRAM, folder, "whole", settings)
    parts = TrainingRun(PROGRAM, folder, "parts", settings)
    whole.finish(options.ranks, 600)
    dice, done = random.Random(options.seed), 0
    end = time.monotonic() + options.seconds
    while parts.step() < steps - 16 and done < options.kills and time.monotonic() < end:
        goal = parts.step() + dice.randrange(1, 12)
        process = parts.start(options.ranks)
        while parts.step() < goal and process.poll() is None:
            time.sleep(0.002)
        kill(process)
        done += 1
    parts.finish(options.ranks, 600)
    return {"ranks": options.ranks, "interruptions": done, "steps": steps,
            "losses_equal": parts.losses() == whole.losses(), "state_equal": parts.state() == whole.state()}


def worlds(folder, options):
    """Every ordered pair of worlds: half the steps on the one, half on the other, beside all steps on one
    rank."""
    results, runs, batch_norm = [], {}, "local" if options.canonical else "sync"
    for first in (1, 2, 4, 8):
        settings = ["schedule.steps=12", "checkpoint.every_steps=6", "checkpoint.keep_last=0"]
        settings += ["determinism=canonical"] if options.canonical else []
        runs[first] = TrainingRun(PROGRAM, folder, f"first{first}", settings, batch_norm)
        runs[first].finish(first)
    reference = numbers(runs[1].state("model")["model.safetensors"])
    for first in (1, 2, 4, 8):
        for second in (1, 2, 4, 8):
            if first == second:
                continue
            pair = TrainingRun(PROGRAM, folder, f"pair{first}-{second}", runs[first].settings, batch_norm)
            shutil.copytree(runs[first].root, pair.root)
            shutil.rmtree(pair.root / "checkpoints" / "step-00000012")
            pair.finish(second)
            there = numbers(pair.state("model")["model.safetensors"])
            difference = max(abs(a - b) for a, b in zip(there, reference, strict=True))
            loss = max(abs(a - b) / abs(b) for a, b in zip(pair.losses(), runs[1].losses(), strict=True))
            results.append({"first": first, "second": second, "largest_difference_of_a_weight": difference,
                            "largest_relative_difference_of_a_loss": loss})
    return results


def flips(folder, options):
    """Flips single bits of a real checkpoint; `inspect` must name the file, and a load must use the one
    before."""
    run = TrainingRun(PROGRAM, folder, "flips", ["schedule.steps=8", "checkpoint.every_steps=4"])
    run.finish(1)
    dice, silent, crashed, unnamed, done = random.Random(options.seed), 0, 0, 0, 0
    files = sorted(path for path in run.checkpoints()[-1].iterdir())
    end = time.monotonic() + options.seconds
    for done in range(1, options.flips + 1):
        path = dice.choice(files)
        whole = path.read_bytes()
        place = dice.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << dice.randrange(8)]) + whole[place + 1:])
        said = subprocess.run([PROGRAM, "inspect", run.checkpoints()[-1]], capture_output=True, text=True)
        silent += said.returncode == 0
        crashed += said.returncode not in (0, 5)
        unnamed += f"DAMAGED {path.name}" not in said.stdout
        path.write_bytes(whole)
        if time.monotonic() > end:
            break
    return {"flips": done, "silent": silent, "crashed": crashed, "unnamed": unnamed}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("campaign", choices=["kills", "interruptions", "worlds", "flips"])
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--canonical", action="store_true", help="worlds: in determinism: canonical, where "
                        "differences must be 0")
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=600, help="after which no new trial is begun")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_data(folder)
        print(json.dumps(globals()[options.campaign](folder, options), indent=1))


if __name__ == "__main__":
    main()
