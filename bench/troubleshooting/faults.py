#!/usr/bin/env python3
"""Provokes the faults of docs/troubleshooting.md with small configurations of typefaces and draws what each
run recorded.
usage: faults.py PROGRAM TYPEFACES OUTPUT [NAME ...]

PROGRAM is build/lodestone; TYPEFACES the folder that `lodestone data typefaces` made. OUTPUT gets runs/NAME,
fault-NAME.svg of the faults with a picture, and figures.json with what the page quotes. Without NAME every
fault is provoked, each in a minute or two on two cores."""
import io
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tarfile
import time

import chart

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/support"))
import pictures  # noqa: E402

SMALL = ["schedule.steps=200", "global_batch=128", "encoder.channels=[16, 32, 64, 64]",
         "encoder.embedding=64", "evaluate.every=20",
         "evaluate.one_shot_trials=0", "evaluate.data.path=validation-*.tar", "checkpoint.every_steps=0"]
NO_AUGMENTATION = ["data.image.rotation=0", "data.image.shift=0", "data.image.shear=0",
                   "data.image.scale_min=1", "data.image.scale_max=1"]
LARGE = ["encoder.channels=[64, 64, 64, 64]", "data.image.width=48", "data.image.height=48",
         "global_batch=256", "schedule.steps=3",
         "evaluate.every=0"]
MEMORISED = ["schedule.steps=600", "schedule.shape=constant", "optimizer.learning_rate=0.002",
             "evaluate.every=40", "global_batch=64",
             "encoder.channels=[32, 64, 128, 256]", *NO_AUGMENTATION]
SLOW = ["data.train.path={output}/large", "global_batch=32", "schedule.steps=20", "evaluate.every=0",
        "data.loader={workers: 1, cache_mib: 0}"]
# What each fault changes in configs/typefaces.yaml made small.
FAULTS = {
    "healthy": [],
    "collapse": ["loss={name: triplet, margin: 0.2}", "miner={name: batch_hard}"],
    "collapse-remedy": ["loss={name: triplet, margin: 0.2}", "miner={name: semi_hard}",
                        "optimizer.learning_rate=0.002"],
    "ln2": ["loss={name: triplet, soft_margin: true}", "miner={name: batch_hard}"],
    "temperature": ["loss={name: supcon, temperature: 2}"],
    "labels": ["data.train.path={output}/shuffled.tar"],
    "not-finite": ["optimizer={name: sgd, learning_rate: 10000, momentum: 0.9}", "schedule.warmup_steps=0",
                   "normalize=false",
                   "loss={name: n_pair}"],
    "wrong-labels": ["data.train.path={output}/noisy.tar", *MEMORISED],
    "wrong-labels-remedy": ["data.train.path={output}/clean.tar", *MEMORISED],
    "duplicates": ["sampler={name: two_views}", "loss={name: infonce, temperature: 0.05}", *NO_AUGMENTATION],
    "leak": ["data.train.path={output}/leak-train.tar", "evaluate.data.path={output}/leak-judge.tar",
             *NO_AUGMENTATION,
             "schedule.steps=400", "schedule.shape=constant"],
    "k-2": ["sampler.samples_per_class=2"],
    "k-8": ["sampler.samples_per_class=8", "sampler.allow_small_classes=true"],
    "batch-32": ["global_batch=32"],
    "batch-512": ["global_batch=512"],
    "slow-input": SLOW,
    "memory": LARGE,
    "memory-remedy": [*LARGE, "micro_batch=32", "batch_norm=local"],
}
# Faults with a picture, and the value of the loss that its dotted line marks.
PICTURES = {"healthy": [], "collapse": [("margin", 0.2)], "temperature": [("ln 127", math.log(127))],
            "labels": [], "wrong-labels": [],
            "duplicates": []}


def members(path):
    """(key, image, class) of each sample of a shard."""
    with tarfile.open(path) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar}
    for name in sorted(name for name in files if name.endswith(".png")):
        yield name[:-4], files[name], json.loads(files[name[:-4] + ".json"])["class"]


def write(path, samples):
    with tarfile.open(path, "w") as tar:
        for number, (_, image, label) in enumerate(samples):
            for ending, data in (("png", image), ("json", json.dumps({"class": label}).encode())):
                member = tarfile.TarInfo(f"{number:06}.{ending}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def make_large(folder):
    """Class folders of PNG files of 2,000 x 2,000 pixels, which are decoded in full."""
    draw = random.Random(3)
    for label in range(8):
        (folder / str(label)).mkdir(parents=True)
        for number in range(4):
            (folder / f"{label}/{number}.png").write_bytes(pictures.png(2000, draw.randbytes(2000 * 2000)))


def make_data(typefaces, output):
    """Shards with labels in random order, a split by image in place of one by class, and as many classes that
    are not trained on."""
    draw = random.Random(1)
    by_class = {}
    for sample in members(sorted(typefaces.glob("train-*.tar"))[0]):
        by_class.setdefault(sample[2], []).append(sample)
    labels = draw.sample([label for label, group in sorted(by_class.items()) if len(group) >= 10], 200)
    samples = [sample for label in labels for sample in by_class[label]]
    mixed = [label for _, _, label in samples]
    draw.shuffle(mixed)
    write(output / "shuffled.tar", [(key, image, label) for (key, image, _), label in zip(samples, mixed)])
    few = [sample for label in labels[:40] for sample in by_class[label][:10]]
    half = random.Random(2).sample(range(len(few)), len(few) // 2)
    taken = dict(zip(half, (few[at][2] for at in sorted(half))))  # the labels of this half, in another order
    noisy = [(key, image, taken.get(at, label)) for at, (key, image, label) in enumerate(few)]
    write(output / "clean.tar", few)
    write(output / "noisy.tar", noisy)
    judged = {label: draw.sample(by_class[label], 3) for label in labels}
    trained = labels[:100]
    write(output / "leak-train.tar",
          [sample for label in trained for sample in by_class[label] if sample not in judged[label]])
    write(output / "leak-judge.tar", [sample for label in trained for sample in judged[label]])
    write(output / "unseen-judge.tar", [sample for label in labels[100:] for sample in judged[label]])


def lines(run, kind):
    path = run / "metrics.jsonl"
    text = path.read_text().splitlines() if path.exists() else []
    return [line for line in map(json.loads, text) if line["kind"] == kind]


def provoke(program, typefaces, output, name):
    """Trains with the fault. Returns exit code, last words and the figures that the page quotes."""
    run = output / "runs" / name
    words = [f"run_dir={run}", f"data.root={typefaces}", *SMALL,
             *(item.replace("{output}", str(output)) for item in FAULTS[name])]
    command = [program, "train", ROOT / "configs/typefaces.yaml",
               *(word for item in words for word in ("--set", item))]
    begin = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    stderr = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    steps, evaluations = lines(run, "train"), lines(run, "eval")
    warnings = [line for line in stderr.splitlines() if " warning " in line or "error:" in line]
    figures = {"exit_code": os.waitstatus_to_exitcode(status), "seconds": round(time.monotonic() - begin),
               "said": warnings,
               "waited": sum(line["load_seconds"] for line in steps[5:])
               / max(1e-9, sum(line["step_seconds"] for line in steps[5:])),
               "peak_mib": usage.ru_maxrss // 1024,
               "last_step": steps[-1] if steps else {},
               "recall_at_1": [[line["step"], line["recall_at_1"]] for line in evaluations
                               if "recall_at_1" in line],
               "last_evaluation": evaluations[-1] if evaluations else {}}
    if name == "leak":  # what the same model finds of classes that it has not seen
        judged = output / "leak-unseen.json"
        unseen = [program, "evaluate", run, "--set", f"evaluate.data.path={output}/unseen-judge.tar", "--set",
                  "evaluate.floor=false",
                  "--json", judged]
        subprocess.run([str(word) for word in unseen], capture_output=True, check=True)
        figures["unseen"] = json.loads(judged.read_text())
    if name in PICTURES:
        (output / f"fault-{name}.svg").write_text(chart.draw(name, steps, evaluations, PICTURES[name]))
    return figures


def main():
    program, typefaces, output = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
    output.mkdir(parents=True, exist_ok=True)
    if not (output / "leak-judge.tar").exists():
        make_data(typefaces, output)
        make_large(output / "large")
    record = output / "figures.json"
    figures = json.loads(record.read_text()) if record.exists() else {}
    for name in sys.argv[4:] or FAULTS:
        figures[name] = provoke(program, typefaces, output, name)
        record.write_text(json.dumps(figures, indent=1))
        last = figures[name]["last_step"]
        print(name, "exit code", figures[name]["exit_code"], "loss", last.get("loss"), "recall_at_1",
              figures[name]["recall_at_1"][-1:],
              *figures[name]["said"], sep="  ", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    main()
