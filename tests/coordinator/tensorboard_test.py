#!/usr/bin/env python3
"""A real TensorBoard reads the event files of a real run: the figures of metrics.jsonl.

usage: tensorboard_test.py LODESTONE

Exits with 77 (skipped) where this Python has no TensorBoard; the folder named by TENSORBOARD_MODULES, if set,
is looked at first.
"""
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.parse

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import pictures  # noqa: E402
import small_run  # noqa: E402

SKIPPED = 77
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.environ.get("TENSORBOARD_MODULES", "")}
# Tag, kind of line and key of metrics.jsonl.
CURVES = (("train/loss", "train", "loss"), ("train/learning_rate", "train", "learning_rate"),
          ("evaluate/recall_at_1", "eval", "recall_at_1"))


def installed():
    return subprocess.run([sys.executable, "-c", "import tensorboard.main"], env=ENVIRONMENT,
                          capture_output=True).returncode == 0


def train(program, work):
    pictures.make_classes(work / "pictures")
    (work / "run.yaml").write_text(
        f"run_dir: {work}/run\nglobal_batch: 16\ndata: {{root: {work}, train: {{path: pictures}}, image: "
                                   f"{{width: 16, height: 16}}}}\n"
        "sampler: {samples_per_class: 4}\nencoder: {name: conv4, channels: [8, 8, 8], embedding: 8}\nloss: "
                                   "{name: supcon}\n"
        "schedule: {steps: 60, warmup_steps: 2}\nevaluate: {every: 20, data: {path: pictures}, floor: "
                                   "false}\n"
        "report_to: [jsonl, tensorboard]\n")
    subprocess.run([program, "train", "run.yaml"], cwd=work, check=True, capture_output=True, timeout=120)


def read(board, tag):
    """[(step, value)] as TensorBoard's page gets them; None: it hasn't read that far."""
    query = urllib.parse.urlencode({"run": ".", "tag": tag})
    try:
        return [(step, value) for _, step, value in json.loads(
            small_run.fetch(f"{board}/data/plugin/scalars/scalars?{query}"))]
    except OSError:
        return None


def compare(work, board):
    lines = [json.loads(line) for line in (work / "run/metrics.jsonl").read_text().splitlines()]
    for tag, kind, key in CURVES:
        written = [(line["step"], line[key]) for line in lines if line["kind"] == kind]
        assert len(written) >= 3, (tag, written)
        shown = small_run.until(60, tag, lambda: (found := read(board, tag)) and len(found) == len(written)
                                and found)
        for (step, value), (shown_step, shown_value) in zip(written, shown):
            assert step == shown_step and math.isclose(value, shown_value, rel_tol=1e-6,
                                                       abs_tol=1e-12), (tag, step, value, shown_value)
    tags = json.loads(small_run.fetch(f"{board}/data/plugin/scalars/tags"))["."]
    print(f"TensorBoard shows {len(tags)} curves, those looked at with the run's own figures")


def main():
    if not installed():
        print(f"skipped: {sys.executable} has no tensorboard (pip install tensorboard)")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        work, port = pathlib.Path(folder), small_run.free_ports(1)
        train(pathlib.Path(sys.argv[1]).resolve(), work)
        words = [sys.executable, "-m", "tensorboard.main", "--logdir", work / "run/tensorboard", "--host",
                 "127.0.0.1", "--port", str(port),
                 "--load_fast", "false"]
        with small_run.Child(words, work / "tensorboard.log", env=ENVIRONMENT) as board:
            small_run.until(60, "a TensorBoard", lambda: board.alive()
                            and read(f"http://127.0.0.1:{port}", CURVES[0][0]) is not None)
            compare(work, f"http://127.0.0.1:{port}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
