"""Texts on which tokenizers differ, if they differ at all."""
import pathlib
import random
import re
import xml.etree.ElementTree

CLDR = pathlib.Path("/usr/share/unicode/cldr/common")

HARD = [
    "", " ", "  ", "\n\t\r", "\r\n \r\n", "Hello, World!", "it's DON'T rock'n'roll we'LL 'tis I'd they've",
        "  leading and   trailing  ",
    "e-mail: a.b@c.example #1 $2.50 50% 1,234,567.89 1st 2nd 3rd 4444 55555",
        "<s> </s> <pad> <unk> <mask> [CLS] [SEP] [MASK] <|endoftext|>",
    "a[MASK]b  [MASK]  c<mask> d  <mask> <|im_start|>user", "Added addedAdded xAdded Added. right   left   "
        "RAW raw ÜNÏ ünï Uni",
    "Crème brûlée", "Cre\u0300me bru\u0302le\u0301e",
        "q\u0307\u0323 q\u0323\u0307 a\u0323\u0302 \u1ead\u0323 \u01d6\u0301",
    "\u0301leading mark \u0344\u0345", "\u1112\u1161\u11ab \uac01\u11a8 \uac00\u11a8 한국어",
        "İstanbul ISTANBUL ıi\u0307 ǅ ẞ ß ſ K Å Ω",
    "ΑΣ ΟΔΥΣΣΕΥΣ Σ", "Привет, МИР! ёлка", "你好世界 東京タワー2020年 日本語とEnglishのmix",
        "ｆｕｌｌ　ＷＩＤＴＨ！ ﬁne ﬂow ﬀ ½ ⅓ Ⅷ ① ㍿ ﷺ", "x² y₂ ½ ４２ ४२ ٤٢ Ⅳ",
    "👍🏽 👨\u200d👩\u200d👧 🇩🇪🇫🇷 ☎\ufe0f ©\u200d® 1\ufe0f\u20e3 🏴\U000e0067\U000e0062\U000e007f",
        "♥♦ ★ → ∞ ≠ √ € £ ¥ ‽ ¿qué? «…»",
    "नमस्ते दुनिया क़ क्षि", "สวัสดีชาวโลก น้ำ", "שָׁלוֹם עולם \u200f(a)\u200e",
        "مَرْحَبًا بالعالم \u061c ـ \u0600123 \u06dd1", "தமிழ் ভাষা ಕನ್ನಡ ไทย ລາວ",
    "no\u00a0break thin\u2009space line\u2028para\u2029graph ideo\u3000graphic nel\u0085end zw\u200bsp "
        "bom\ufeffx soft\u00adhyphen",
    "bell\x07form\x0cvert\x0bnull\x00del\x7f c1\x8f\x9f", "\ufffd \ufffe \uffff \ue000 \U0010ffff \U0001f9ff",
        "a\u200db c\u200cd", "camelCase snake_case kebab-case",
    "``quoted'' \"double\" 'single'", "tabs\tand\nnewlines\r\nmixed\n\n\n  indented\n\tmore", "x" * 300,
        "é" * 120, "中" * 120, ",." * 60, " " * 50 + "x", "un" * 60,
    "aaaaaaaaaaaaaaaaaaaaaaaaa", "ab" * 100 + " " + "ba" * 100, "a-b--c---d",
        "Z\u0351\u036b\u0343a\u0363\u0321l\u0349g\u0321o\u0322",
    "日\u3099本\u309a か\u3099", "\u0f73\u0f71 \u0f75\u0f72", "\r\n\u0308 \u0600\u0600a", "line one\nline two\n",
        "\n", "a", "_", "▁a ▁▁ a▁", "aé日😀" * 20,
]


def names():
    """All names and annotations of CLDR: languages, territories, scripts, emoji, in all languages."""
    texts = []
    for folder, tags in (("main", {"language", "territory", "script", "currency", "displayName"}),
                         ("annotations", {"annotation"}),
                         ("annotationsDerived", {"annotation"})):
        for path in sorted((CLDR / folder).glob("*.xml")):
            for element in xml.etree.ElementTree.parse(path).iter():
                if element.tag in tags and element.text and element.text.strip():
                    texts.append(element.text)
                    if element.get("cp"):
                        texts.append(element.get("cp") + " " + element.text)
    return list(dict.fromkeys(texts))


def training(texts):
    """Lines to train on: some of every text."""
    return [text for text in texts if not re.search(r"[\x00-\x08]", text)]


def strings(count, known, seed=7):
    """Strings of characters of which each is as likely to be common as to be any; `known`: those that may
    occur."""
    rng = random.Random(seed)
    common = sorted({letter for text in HARD for letter in text} & set(known))
    known = sorted(known)
    pool = ["".join(filter(set(known).__contains__, text)) for text in HARD if text]
    made = []
    for _ in range(count):
        kind = rng.random()
        if kind < 0.3:
            made.append("".join(rng.choice(known) for _ in range(rng.randrange(1, 30))))
        elif kind < 0.7:
            made.append("".join(rng.choice(common if rng.random() < 0.7
                                           else known) for _ in range(rng.randrange(1, 40))))
        elif kind < 0.85:
            made.append("".join(rng.choice(" \n\t'abcdefgst123.,-\u0301é中 ") for _ in range(
                rng.randrange(1, 60))))
        else:
            made.append(" ".join(text[rng.randrange(len(text) + 1):][:20] for text in rng.choices(pool, k=3)))
    return made


def long_words():
    return ["a" * 20000, "ab" * 10000, "é" * 8000, "中文" * 4000, "\u0301" * 3000, "👍🏽" * 2000, "x " * 10000,
            "abcdefghij" * 3000, "," * 9000, "1" * 9000,
            " " * 9000, "\n" * 5000, "a\u0323\u0301" * 3000, "'s" * 4000]
