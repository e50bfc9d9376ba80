"""The kinds of data of the first hour: how each is laid out as a user would have it, what evaluates it, and
the shipped recipe beside it."""
import base64
import html
import json
import pathlib
import random
import sys
import tarfile
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/support"))
import pictures  # noqa: E402
from session import CommandFailed  # noqa: E402


@dataclass
class Kind:
    name: str
    source: str  # what init gets
    judged: str  # data of the shipped recipe's own split
    metric: str
    gallery: str  # embedded, and searched with
    gallery_rows: int
    query: str  # an image's path, or a text
    recipe: str
    recipe_settings: list
    recipe_steps: int
    minutes: float
    tuples: str = ""  # a list that `data pairs` makes of the source, for init
    tuple_count: int = 0
    crossed: bool = False  # the query is of the other tower: it is not in the gallery itself
    shown: tuple = ()  # what the pages must hold, one of these
    query_folder: pathlib.Path = pathlib.Path()  # of the query, if it is an image

    def query_body(self):
        path = self.query_folder / self.query
        if path.suffix == ".png":
            return {"images": [base64.b64encode(path.read_bytes()).decode()], "k": 3}
        return {"texts": [self.query], "k": 3}


class Source:
    """Makes the data in the session's folder, once."""

    def __init__(self, session, sample, fonts):
        self.session, self.sample, self.fonts = session, sample, fonts

    def package(self, name, *options):
        """The data set of `lodestone data NAME`; None if its packages are missing."""
        folder = self.session.path(f"data/{name}")
        if not (folder / f"{name}.json").exists():
            try:
                self.session.run("data", name, "--output", folder, *options)
            except CommandFailed as error:
                if "install" not in str(error):
                    raise
                return None
        return folder

    def letters(self):
        """Class folders `letters` and `unseen`: of typefaces, or of a few made pictures."""
        if not self.session.path("unseen").exists():
            if self.sample:
                for folder, seed in (("letters", 1), ("unseen", 2)):
                    made_classes(self.session.path(folder), 16, 6, seed)
            else:
                typefaces = self.package("typefaces", *(["--fonts", *self.fonts] if self.fonts else []))
                if typefaces is None:
                    return False
                unpack(sorted(typefaces.glob("train-*.tar")), self.session.path("letters"))
                unpack(sorted(typefaces.glob("test-*.tar")), self.session.path("unseen"))
        return True

    def texts(self, name, file, limit):
        """A file of a text data set, or its first rows."""
        folder = self.package(name)
        if folder is None:
            return None
        lines = (folder / file).read_text(encoding="utf-8").splitlines(keepends=True)
        path = self.session.path(f"{name}-{file}")
        path.write_text("".join(lines[:limit] if self.sample else lines), encoding="utf-8")
        return path.name


def made_classes(folder, classes, samples, seed):
    draw = random.Random(seed)
    for c in range(classes):
        shape = [draw.randrange(180) for _ in range(256)]
        (folder / f"{folder.name}{c:02}").mkdir(parents=True)
        for s in range(samples):
            pixels = bytes(value + draw.randrange(70) for value in shape)
            (folder / f"{folder.name}{c:02}/{s}.png").write_bytes(pictures.png(16, pixels))


def unpack(shards, folder):
    """Class folders with the images of shards, as a user would have them; look-alike classes in
    equivalences.tsv."""
    groups = {}
    for shard in shards:
        with tarfile.open(shard) as tar:
            files = {member.name: tar.extractfile(member).read() for member in tar}
        for name in (name for name in files if name.endswith(".json")):
            about = json.loads(files[name])
            groups[about["class"]] = about["group"]
            path = folder / about["class"] / (name[:-5] + ".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[name[:-5] + ".png"])
    rows = "".join(f"{label}\t{group}\n" for label, group in sorted(groups.items()))
    (folder / "equivalences.tsv").write_text(rows, encoding="utf-8")


def pictures_of(source, folder):
    return sorted(path.relative_to(source.session.folder) for path in source.session.path(folder).rglob(
        "*.png"))


def photos(source):
    if not source.letters():
        return None
    unseen = pictures_of(source, "unseen")
    return Kind("photos", "letters", "unseen", "recall_at_1", "unseen", len(unseen), str(unseen[0]),
                ROOT / "configs/typefaces.yaml",
                ["data.root=.", "data.train.path=letters", "evaluate.data.path=unseen",
                 "evaluate.one_shot_trials=0"], 1000, 3,
                shown=("<img",), query_folder=source.session.folder)


def tuples(source):
    if not source.letters():
        return None
    unseen = pictures_of(source, "unseen")
    return Kind("tuples", "letters", "unseen", "recall_at_1", "unseen", len(unseen), str(unseen[0]),
                ROOT / "configs/typefaces-pairs.yaml",
                ["data.root=.", "data.tuples=letters/pairs.tsv", "evaluate.data.path=unseen"], 1000, 3,
                tuples="letters/pairs.tsv",
                tuple_count=200 if source.sample else 64000, shown=("<img",),
                query_folder=source.session.folder)


def people(source):
    """Thirty classes of ten images, and twenty others for the evaluation: somebody's own folder."""
    if not source.session.path("others").exists():
        if source.sample:
            for folder, seed in (("people", 3), ("others", 4)):
                made_classes(source.session.path(folder), 30, 10, seed)
        else:
            if not source.letters():
                return None
            draw = random.Random(5)
            for whole, folder, classes in (("letters", "people", 30), ("unseen", "others", 20)):
                all_of = {}
                for path in pictures_of(source, whole):
                    all_of.setdefault(path.parent, []).append(path)
                for number, label in enumerate(
                    draw.sample([c for c in sorted(all_of) if len(all_of[c]) >= 10], classes)):
                    target = source.session.path(folder) / f"{folder}{number:02}"
                    target.mkdir(parents=True)
                    for path in draw.sample(all_of[label], 10):
                        (target / path.name).write_bytes(source.session.path(path).read_bytes())
    others = pictures_of(source, "others")
    return Kind("people", "people", "others", "recall_at_1", "others", len(others), str(others[0]),
                ROOT / "configs/typefaces.yaml",
                ["data.root=.", "data.train.path=people", "evaluate.data.path=others",
                 "evaluate.one_shot_trials=0", "global_batch=60"],
                1000, 1, shown=("<img",), query_folder=source.session.folder)


def captions(source):
    folder = source.package("emoji")
    if folder is None:
        return None
    words = source.texts("wordnet", "train.jsonl", 1500) or "emoji-captions.txt"  # as configs/emoji.yaml says
    judged = "validation" if source.sample else "test"
    texts = [text for path in [folder / f"{judged}-00000.tar"] for text in captions_of(path)]
    path = source.session.path("emoji-captions.txt")
    path.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    return Kind("captions", "data/emoji/train-00000.tar" if not source.sample
                else "data/emoji/test-00000.tar",
                f"data/emoji/{judged}-00000.tar", "image_to_text_recall_at_1", "emoji-captions.txt",
                len(texts), texts[0],
                ROOT / "configs/emoji.yaml", ["data.root=.", f"data.train.path={folder}/train-00000.tar",
                                              f"evaluate.data.path={folder}/test-00000.tar",
                                              f"data.text.tokenizer.path={vocabulary(source, words)}"], 600,
                5,
                shown=beginnings(texts))


def captions_of(shard):
    with tarfile.open(shard) as tar:
        for member in tar:
            if member.name.endswith(".txt"):
                yield from tar.extractfile(member).read().decode().splitlines()
            elif member.name.endswith(".json"):
                about = json.loads(tar.extractfile(member).read())
                yield from about.get("captions") or [about["caption"]]


def texts_kind(source, name, recipe, steps, minutes):
    train, judged = source.texts(name, "train.jsonl", 1500), source.texts(name, "test.jsonl", 300)
    if train is None:
        return None
    rows = [json.loads(line) for line in source.session.path(judged).read_text(encoding="utf-8").splitlines()]
    settings = ["data.root=.", f"data.train.path={train}", f"evaluate.data.path={judged}",
                f"data.text.tokenizer.path={vocabulary(source, train)}"]
    return Kind(name, train, judged, "recall_at_1", judged, len(rows), rows[0]["text"],
                ROOT / f"configs/{recipe}.yaml", settings, steps,
                minutes, shown=beginnings(row["text"] for row in rows))


def pairs_kind(source, name, recipe, steps, minutes):
    """Rows of two texts that belong together, evaluated by finding the one by the other."""
    train, judged = source.texts(name, "train-pairs.jsonl", 1500), source.texts(name, "test-pairs.jsonl", 300)
    if train is None:
        return None
    rows = [json.loads(line) for line in source.session.path(judged).read_text(encoding="utf-8").splitlines()]
    answers = source.session.path(f"{name}-answers.txt")
    texts = list(dict.fromkeys(row["sentence2"] for row in rows))
    answers.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    settings = ["data.root=.", f"data.train.path={train}", f"evaluate.data.path={judged}",
                "data.text.format=pairs", "data.text.columns=[]", "sampler=",
                "evaluate.text={format: pairs}", f"data.text.tokenizer.path={vocabulary(source, train)}"]
    return Kind(f"{name}-pairs", train, judged, "recall_at_1", answers.name, len(texts), texts[0],
                ROOT / f"configs/{recipe}.yaml", settings, steps,
                minutes, shown=beginnings(texts))


def beginnings(texts):
    return tuple(html.escape(text[:20]) for text in texts)


def vocabulary(source, train):
    """The vocabulary that the recipe's first lines tell the user to make."""
    path = source.session.path(f"{train}.vocab.txt")
    if not source.sample and not path.exists():
        columns = [] if train.endswith(".txt") else ["--columns", "sentence1,sentence2" if "pairs" in train
                                                     else "text"]
        source.session.run("tokenizer", "train", "--input", train, *columns, "--vocabulary", 8000, "--output",
                           path.name)
    return path.name


KINDS = {
    "photos": photos,
    "tuples": tuples,
    "people": people,
    "captions": captions,
    "wordnet": lambda source: texts_kind(source, "wordnet", "wordnet", 1000, 3),
    "wordnet-pairs": lambda source: pairs_kind(source, "wordnet", "wordnet", 1000, 3),
    "cldr": lambda source: texts_kind(source, "cldr", "cldr", 1500, 4),
    "cldr-pairs": lambda source: pairs_kind(source, "cldr", "wordnet", 1000, 3),
}
