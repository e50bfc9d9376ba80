"""Small training data of every kind, the same on every machine, for the configurations beside this file."""
import io
import pathlib
import random
import sys
import tarfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import pictures  # noqa: E402

SIDE = 32
INTENTS = ("weather", "alarm", "music", "transfer", "balance", "recipe", "traffic", "flight")
WORDS = "please what is the for my now today tell me about set a new in to of".split()
COLOURS = {"red": (255, 40, 40), "green": (40, 255, 40), "blue": (40, 40, 255)}


def strokes(draw):
    """The three lines of a letter, each between two points."""
    return [tuple(draw.randrange(5, SIDE - 5) for _ in range(4)) for _ in range(3)]


def letter(lines, draw):
    """White lines on black with jittered ends: one typeface's drawing of a letter."""
    pixels = bytearray(SIDE * SIDE)
    for line in lines:
        x0, y0, x1, y1 = (value + draw.randrange(-2, 3) for value in line)
        for i in range(SIDE + 1):
            x, y = x0 + (x1 - x0) * i // SIDE, y0 + (y1 - y0) * i // SIDE
            for dx in (0, 1):
                pixels[(y * SIDE) + x + dx] = 255 - draw.randrange(60)
    return bytes(pixels)


def make_shard(path, classes, samples):
    """A shard of letters: key.png with key.cls."""
    draw = random.Random(1)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as shard:
        for c in range(classes):
            lines = strokes(draw)
            for s in range(samples):
                drawn = pictures.png(SIDE, letter(lines, draw))
                for ending, content in (("png", drawn), ("cls", b"letter%02d" % c)):
                    member = tarfile.TarInfo(f"{c:02}-{s:02}.{ending}")
                    member.size = len(content)
                    shard.addfile(member, io.BytesIO(content))


def make_pairs(folder):
    """Characters in folders, and a list of pairs of them: 1 the same character, 0 another."""
    draw = random.Random(2)
    names = []
    for c in range(12):
        (folder / "characters" / f"{c:02}").mkdir(parents=True)
        lines = strokes(draw)
        for s in range(6):
            names.append((c, f"characters/{c:02}/{s}.png"))
            (folder / names[-1][1]).write_bytes(pictures.png(SIDE, letter(lines, draw)))
    rows = []
    for n in range(300):
        c, first = draw.choice(names)
        same = n % 2
        others = [name for other, name in names if (other == c) == bool(same) and name != first]
        rows.append(f"{first}\t{draw.choice(others)}\t{same}")
    (folder / "pairs.tsv").write_text("\n".join(rows) + "\n")


def make_texts(folder):
    """Requests with their intents, and the vocabulary."""
    draw = random.Random(3)
    rows = []
    for intent in INTENTS:
        own = [f"{intent}{n}" for n in range(6)]
        for _ in range(16):
            words = [draw.choice(WORDS) for _ in range(draw.randrange(2, 7))]
            words += [draw.choice(own), draw.choice(own)]
            draw.shuffle(words)
            rows.append(f"{' '.join(words)},{intent}")
    (folder / "intents.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    names = [f"{intent}{n}" for intent in INTENTS for n in range(6)]
    vocabulary = [*special, *WORDS, *names, *COLOURS, "letter", *(str(n) for n in range(16))]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")


def make_captions(folder):
    """Coloured letters, each with a caption."""
    draw = random.Random(4)
    (folder / "coloured").mkdir()
    rows = ["path\tcaption"]
    for n in range(16):
        lines = strokes(draw)
        for name, tint in COLOURS.items():
            coloured = bytes(pixel * part // 255 for pixel in letter(lines, draw) for part in tint)
            (folder / "coloured" / f"{name}{n}.png").write_bytes(pictures.png(SIDE, coloured, channels=3))
            rows.append(f"coloured/{name}{n}.png\tthe {name} letter {n}")
    (folder / "captions.tsv").write_text("\n".join(rows) + "\n")


def make(folder):
    make_shard(folder / "letters.tar", classes=16, samples=8)
    make_pairs(folder)
    make_texts(folder)
    make_captions(folder)
