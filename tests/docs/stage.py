"""A folder in which the commands of the pages run: small data and quickly trained models under the names that
the pages use."""
import io
import json
import pathlib
import random
import re
import subprocess
import sys
import tarfile

from pages import ROOT

sys.path.append(str(ROOT / "tests/support"))
import pictures  # noqa: E402

CLASSES, INSTANCES, SIDE = 12, 8, 16


def picture(class_number: int, instance: int) -> bytes:
    """A grey picture with a pattern of its class and some noise."""
    pattern, noise = random.Random(class_number), random.Random(1000 * class_number + instance)
    pixels = bytes(max(0, min(255, pattern.randrange(256) + noise.randrange(-20, 20))) for _ in range(
        SIDE * SIDE))
    return pictures.png(SIDE, pixels)


def shard(path: pathlib.Path, first_class: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for number in range(first_class, first_class + CLASSES):
            for instance in range(INSTANCES):
                about = {"class": f"script/{number}", "group": str(number)}
                for ending, data in (("png", picture(number, instance)),
                                     ("json", json.dumps(about).encode())):
                    member = tarfile.TarInfo(f"{number:04}-{instance}.{ending}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))


def loose_pictures(folder: pathlib.Path) -> None:
    for number in range(CLASSES):
        for instance in range(INSTANCES):
            for root in ("data/letters", "photos"):
                path = folder / root / str(number) / f"{instance}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(picture(number, instance))
    single = ["photo.png", "a.png", "b.png", "ada1.png", "ada2.png", "ada1.jpg", "ada2.jpg", "who.png",
              "door.jpg",
              "photographs/Bob/1.jpg", "photographs/Eve/1.jpg"]
    for number, name in enumerate(single):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(number % CLASSES, 7))  # told by its bytes, never by its name


def texts(folder: pathlib.Path) -> None:
    words = "card money lost where when pay rate bill open close account limit travel fee".split()
    draw = random.Random(1)
    rows = [(f"intent{c}",
             " ".join([words[c], words[(c + 1) % len(words)], *draw.sample(words, 3)])) for c in range(
                 12) for _ in range(6)]
    labelled = "".join(f"{label}\t{text}\n" for label, text in rows)
    for name in ("clinc/clinc150_train.tsv", "clinc/clinc150_val.tsv"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(labelled)
    (folder / "train.tsv").write_text("".join(f"{text}\t{label}\n" for label, text in rows))
    (folder / "train.jsonl").write_text("".join(json.dumps({"text": text, "label": label})
                                                + "\n" for label, text in rows))
    (folder / "sentences.csv").write_text("text,label\n"
                                          + "".join(f"{text},{label}\n" for label, text in rows))
    pairs = [(text, f"answer on {label} {text.split()[-1]}") for label, text in rows]
    (folder / "pairs.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in pairs))
    (folder / "graded.tsv").write_text("sentence1\tsentence2\tscore\n"
                                       + "".join(f"{a}\t{b}\t{draw.randrange(6)}\n" for a, b in pairs))
    (folder / "questions.txt").write_text("where is my card\nwhat is the fee\n")


def configs(folder: pathlib.Path) -> None:
    """Our own recipes, so short and small that they run in a second."""
    # At the recipe's own learning rate six steps make all pictures so alike that nothing is a negative.
    shorter = [(r"learning_rate: 0\.005", "learning_rate: 0.002"), (r"steps: \d+", "steps: 6"),
               (r"warmup_steps: \d+", "warmup_steps: 2"), (r"global_batch: \d+", "global_batch: 24"),
               (r"(every|every_steps): \d+", r"\1: 3"), (r"\[32, 64, 128, 256\]", "[8, 8]"),
               (r"(embedding|width): 256", r"\1: 8"),
               (r"one_shot_trials: \d+", "one_shot_trials: 10\n  one_shot_ways: 5")]
    (folder / "configs").mkdir()
    for source in (ROOT / "configs").glob("*.yaml"):
        text = source.read_text(encoding="utf-8")
        for pattern, value in shorter:
            text = re.sub(pattern, value, text)
        (folder / "configs" / source.name).write_text(text, encoding="utf-8")


class Stage:
    """Owns the folder; `run` is called in it with the program on the path."""

    def __init__(self, folder: pathlib.Path, program: pathlib.Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        (folder / "build").mkdir()
        (folder / "build/lodestone").symlink_to(program)
        (folder / "deploy").symlink_to(ROOT / "deploy")
        for part in (configs, loose_pictures, texts):
            part(folder)
        shard(folder / "data/typefaces/train-0000.tar", 0)
        shard(folder / "data/typefaces/test-0000.tar", CLASSES)
        (folder / "shared/runs").mkdir(parents=True)
        (folder / "token").write_text("correct horse battery staple\n")
        self.train()

    def train(self) -> None:
        self.run("lodestone train configs/typefaces.yaml")
        self.run("lodestone train configs/typefaces.yaml --set run_dir=runs/faces")
        self.run("lodestone evaluate runs/faces --calibrate 0.05")
        self.run("lodestone tokenizer train --input clinc/clinc150_train.tsv --columns 2 --vocabulary 200 "
                 "--output vocab.txt")
        self.run("lodestone train configs/clinc150.yaml --set data.root=clinc --set "
                 "data.text.tokenizer.path=$PWD/vocab.txt")
        self.run("lodestone embed runs/clinc150 --output texts.safetensors")
        self.run("lodestone embed runs/typefaces --input data/letters --output other.safetensors")

    def run(self, command: str, timeout: float = 120) -> str:
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.environment,
                              capture_output=True, text=True,
                              timeout=timeout)
        assert (
            done.returncode == 0
        ), f"{command}\nexit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout
