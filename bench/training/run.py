#!/usr/bin/env python3
"""Whole training steps beside PyTorch DDP (gloo) with pytorch-metric-learning, two ranks of one thread each.

Runs in the environment that bench/training.sh makes. docs/speed.md says what is compared and how.
"""
import argparse
import importlib.metadata
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from safetensors.torch import save_file

import report
from cases import CASES, Case

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.append(str(HERE.parent / "peers"))
from quiet import Patience  # noqa: E402

BATCHES = 4
PEER = "DDP + pytorch-metric-learning"
CONTESTANTS = {  # name: (whose, extra arguments)
    "Lodestone": ("ours", []),
    PEER: ("peer", []),
    f"{PEER}, channels-last": ("peer", ["--channels-last"]),
}
BFLOAT16 = {
    "Lodestone, bfloat16": ("ours", ["--set", "precision=bfloat16"]),
    f"{PEER}, channels-last, bfloat16": ("peer", ["--channels-last", "--bfloat16"]),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=str(ROOT / "build/lodestone"))
    parser.add_argument("--only", type=lambda text: text.split(","), default=[case.key for case in CASES])
    parser.add_argument("--rounds", type=int, default=3, help="each contestant runs once in each (default 3)")
    parser.add_argument("--steps", type=int, default=20, help="timed steps of a round (default 20)")
    parser.add_argument("--bfloat16", action="store_true",
                        help="both sides also in bfloat16, which only pays on processors that multiply it")
    parser.add_argument("--patience", type=float, default=600,
                        help="seconds to wait in all for other work to end (default 600)")
    parser.add_argument("--output", type=pathlib.Path, help="folder in place of the repository's pages")
    return parser.parse_args()


def environment() -> dict[str, str]:
    """One thread a rank; Open MPI's own variables let root start it and bind nothing."""
    mpi = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
           "OMPI_MCA_hwloc_base_binding_policy": "none"}
    return os.environ | mpi | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=HERE)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def once(whose: str, extra: list[str], case: Case, folder: pathlib.Path, given: argparse.Namespace) -> dict:
    rows, weights = folder / f"{case.key}.safetensors", folder / f"{case.key}-weights.safetensors"
    if whose == "peer":
        launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        said = run([*launch, "peer.py", case.key, str(rows), str(weights), "--steps", str(given.steps),
                    *extra])
        return json.loads([line for line in said.splitlines() if line.startswith("{")][-1])
    answer = folder / "answer.json"
    run(["mpirun", "-n", "2", given.program, "bench", "step", case.config, "--rows", str(rows), "--weights",
         str(weights), "--steps", str(given.steps), "--json", str(answer), *extra])
    return json.loads(answer.read_text())


def contest(case: Case, folder: pathlib.Path, given: argparse.Namespace, patience: Patience) -> dict:
    save_file(case.batches(BATCHES), folder / f"{case.key}.safetensors")
    save_file(case.weights(), folder / f"{case.key}-weights.safetensors")
    contestants = CONTESTANTS | (BFLOAT16 if given.bfloat16 else {})
    rounds: dict[str, list[dict]] = {name: [] for name in contestants}
    for number in range(given.rounds):
        for name, (whose, extra) in contestants.items():
            patience.wait()
            rounds[name].append(once(whose, extra, case, folder, given))
            print(f"{case.key} round {number + 1}: {name}: "
                  f"{rounds[name][-1]['samples_per_second']:.0f} images/s", file=sys.stderr)
    first = rounds["Lodestone"][0]["losses"][0]
    results = []
    for name, runs in rounds.items():
        median = statistics.median(r["samples_per_second"] for r in runs)
        results.append({"name": name, "samples_per_second": median,
                        "rounds": [r["samples_per_second"] for r in runs],
                        "first_loss_difference": abs(runs[0]["losses"][0] - first) / abs(first)})
        if "phase_seconds" in runs[0]:
            results[-1]["phase_seconds"] = {
                phase: statistics.median(r["phase_seconds"][phase] for r in runs) for phase in runs[0][
                    "phase_seconds"]}
    return {"case": case.key, "title": case.title, "rows": case.rows, "results": results}


def machine() -> dict:
    cpu = next(line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
               if line.startswith("model name"))
    return {"cpu": cpu, "cores": os.cpu_count(),
            "versions": {name: importlib.metadata.version(name) for name in (
                "torch", "pytorch-metric-learning")}}


def main() -> int:
    given = arguments()
    given.program = str(pathlib.Path(given.program).resolve())
    patience = Patience(given.patience)
    with tempfile.TemporaryDirectory() as folder:
        cases = [contest(case, pathlib.Path(folder), given, patience) for case in CASES
                 if case.key in given.only]
    results = {"machine": machine() | {"rounds": given.rounds, "steps": given.steps}, "cases": cases}
    (given.output or HERE).mkdir(parents=True, exist_ok=True)
    ((given.output or HERE) / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    text = report.page(results)
    print(text)
    if not given.output:
        report.write_docs(ROOT / "bench/results/training.md", text)
    wrong = report.disagreements(results)
    print("\n".join(wrong) or "the first losses agree", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
