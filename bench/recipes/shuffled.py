"""The control of a recipe: the same training data with labels, or captions, dealt out anew at random.

  python3 bench/recipes/shuffled.py data/cldr/train.jsonl data/cldr/train-shuffled.jsonl
  python3 bench/recipes/shuffled.py data/emoji/train-00000.tar data/emoji/shuffled-00000.tar

JSONL with text and label, tabs with the label first, or a tar shard with a picture and its captions by key.
What is trained on this learns nothing about what belongs together: it should do no better than an encoder
without training, or than the floor.
"""
import argparse
import io
import json
import pathlib
import random
import tarfile


def shuffle_lines(source: pathlib.Path, target: pathlib.Path) -> None:
    lines = source.read_text(encoding="utf-8").splitlines()
    if source.suffix == ".jsonl":
        rows = [json.loads(line) for line in lines]
        labels = [row["label"] for row in rows]
        random.shuffle(labels)
        out = [json.dumps(row | {"label": label}, ensure_ascii=False) for row, label in zip(rows, labels)]
    else:
        rows = [line.split("\t", 1) for line in lines]
        labels = [row[0] for row in rows]
        random.shuffle(labels)
        out = [f"{label}\t{row[1]}" for row, label in zip(rows, labels)]
    target.write_text("\n".join(out) + "\n", encoding="utf-8")


def shuffle_captions(source: pathlib.Path, target: pathlib.Path) -> None:
    with tarfile.open(source) as tar:
        files = [(member.name, tar.extractfile(member).read()) for member in tar]
    captions = [data for name, data in files if not name.endswith(".png")]
    random.shuffle(captions)
    with tarfile.open(target, "w") as tar:
        for name, data in files:
            content = data if name.endswith(".png") else captions.pop()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    random.seed(args.seed)
    (shuffle_captions if args.source.suffix == ".tar" else shuffle_lines)(args.source, args.target)


if __name__ == "__main__":
    main()
