"""Explicit pairs (0 or 1) or triplets from pictures in a folder per class, for data.tuples of configs/*-pairs.yaml.

  python3 bench/recipes/pairs.py FOLDER --count 40000 > FOLDER/pairs.tsv
  python3 bench/recipes/pairs.py FOLDER --count 40000 --triplets > FOLDER/triplets.tsv

A folder of tar shards as `lodestone data typefaces` makes them is unpacked first: --unpack "train-*.tar" writes FOLDER/CLASS/KEY.png.
Half of the pairs are of one class. Prints paths relative to FOLDER.
"""
import argparse
import json
import pathlib
import random
import tarfile


def unpack(folder: pathlib.Path, pattern: str) -> None:
    for shard in sorted(folder.glob(pattern)):
        with tarfile.open(shard) as tar:
            pictures: dict[str, bytes] = {}
            for member in tar:
                key, _, kind = member.name.partition(".")
                data = tar.extractfile(member).read()
                if kind == "json":
                    place = folder / "pictures" / json.loads(data)["class"]
                    place.mkdir(parents=True, exist_ok=True)
                    (place / f"{key}.png").write_bytes(pictures.pop(key))
                else:
                    pictures[key] = data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=40000)
    parser.add_argument("--triplets", action="store_true")
    parser.add_argument("--unpack", metavar="PATTERN")
    parser.add_argument("--below", default="", help="only the pictures of this folder below FOLDER")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.unpack:
        unpack(args.folder, args.unpack)
        args.below = "pictures"
    by_class: dict[pathlib.Path, list[str]] = {}
    for path in sorted((args.folder / args.below).rglob("*.png")):
        by_class.setdefault(path.parent, []).append(path.relative_to(args.folder).as_posix())
    classes = [own for own in by_class.values() if len(own) > 1]
    draw = random.Random(args.seed)
    for i in range(args.count):
        one, other = draw.sample(classes, 2)
        anchor, positive = draw.sample(one, 2)
        negative = draw.choice(other)
        if args.triplets:
            print(anchor, positive, negative, sep="\t")
        else:
            print(anchor, positive if i % 2 else negative, i % 2, sep="\t")


if __name__ == "__main__":
    main()
