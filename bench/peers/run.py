#!/usr/bin/env python3
"""Lodestone's losses beside those of other libraries: time, memory, and whether they agree.

Runs in the environment that bench/peers.sh makes. docs/peers.md says what is compared and how.
"""
import argparse
import importlib.metadata
import json
import os
import pathlib
import sys
import tempfile

import torch

import plot
import report
from contest import Result, Settings, contest
from groups import GROUPS
from quiet import Patience
from rows import write_rows

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIBRARIES = ("torch", "pytorch-metric-learning", "open_clip_torch", "sentence-transformers",
             "lightly")


def numbers(text: str) -> list[int]:
    return sorted(int(word) for word in text.split(","))


def arguments() -> argparse.Namespace:
    keys = [group.key for group in GROUPS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=str(ROOT / "build/lodestone"))
    parser.add_argument("--sizes", type=numbers, default=[256, 1024, 4096, 8192])
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--repeat", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=0.3,
                        help="of calls per contestant and round, at least one call (default 0.3)")
    parser.add_argument("--patience", type=float, default=600,
                        help="seconds to wait in all for other work to end (default 600)")
    parser.add_argument("--only", type=lambda text: text.split(","), default=keys,
                        help="groups: " + ", ".join(keys))
    parser.add_argument("--output", type=pathlib.Path,
                        help="folder for results and picture; without it they go where the "
                             "documentation shows them")
    given = parser.parse_args()
    unknown = set(given.only) - set(keys)
    if unknown:
        parser.error(f"--only: no group {', '.join(sorted(unknown))}; there are {', '.join(keys)}")
    return given


def processor() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return "unknown processor"


def version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def machine(given: argparse.Namespace, patience: Patience) -> Result:
    processors = processor() if given.device == "cpu" else torch.cuda.get_device_name()
    return {"processor": processors, "threads": given.threads, "width": given.width,
            "rounds": given.repeat, "busy": patience.left <= 0,
            "versions": {name: version(name) for name in LIBRARIES}}


def run_all(given: argparse.Namespace) -> list[Result]:
    """Size by size, each time writing what there is: a run that is cut short keeps its sizes."""
    settings = Settings(given.program, given.threads, given.device, given.repeat, given.seconds,
                        Patience(given.patience))
    results, before = [], {}
    with tempfile.TemporaryDirectory() as scratch:
        for size in given.sizes:
            for group in GROUPS:
                if group.key not in given.only:
                    continue
                rows = write_rows(pathlib.Path(scratch), group.rows, size, given.width)
                row = contest(group, size, rows, settings, before)
                results.append(row)
                print(f"{group.title:30} N = {size:<6} Lodestone "
                      f"{report.milliseconds(row['lodestone']):>8} ms   fastest peer / Lodestone "
                      f"{report.ratio(row)}", flush=True)
            write(given, machine(given, settings.patience), results)
    return results


def write(given: argparse.Namespace, about: Result, results: list[Result]) -> None:
    folder = given.output or HERE
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": about, "results": results}, indent=1)
    (folder / "results.json").write_text(text + "\n")
    (folder / "results.md").write_text(report.results_page(about, results))
    if given.output:
        plot.draw(folder / "peers.png", about, results)
    else:
        plot.draw(ROOT / "docs/images/peers.png", about, results)
        report.write_docs(ROOT / "docs/peers.md", about, results)


def main() -> int:
    given = arguments()
    results = run_all(given)
    print(f"written: {(given.output or HERE) / 'results.md'}")
    wrong = report.disagreements(results)
    print("\n".join(wrong) or "every loss of the same formula agrees", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
