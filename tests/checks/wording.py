#!/usr/bin/env python3
"""No notes to self, no paths of somebody's own machine, no dead links in what we ship.

usage: wording.py [ROOT]"""
import pathlib
import re
import sys

import sources

FORBIDDEN = {
    "a note to self: do it or open an issue": re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b"),
    "a path of somebody's own machine": re.compile(r"(?<![\w.${}])/(home|Users)/\w|(?<![\w.${}])/root/[\w.]"),
    "a conflict marker": re.compile(r"^(<{7}|>{7})( |$)", re.M),
}
CODE = re.compile(r"^```.*?^```$", re.M | re.S)  # where []( begins a lambda
# Words of a private dialect, and those of the field that docs/style.md has for them. Keys, options, paths and
# names in quotes may have them.
DIALECT = {
    "restart, resume, again": "anew|afresh",
    "similarity, most similar": "likeness|likest",
    "image": "pictures?",
    "evaluate": "judge[sd]?|judging|judgements?",
    "reference": "refs",
    "pair mask": "relatives",
    "abort": "poison(?:s|ed|ing)?",
    "manager": "keepers?",
    "report, log, print": "tellers?|told",
    "exchange, gather, be compared": "meets",
    "resume, continue": "go(?:es|ing)? on|went on",
    "repair": "mend(?:s|ed|ing)?",
    "generation": "life",
}
PROSE = {word: re.compile(rf"(?<![\w./'`-])(?:{words})\b(?![/=_`(]|\.(?=[^\s\"])|'(?!s\b))",
                          re.I) for word, words in DIALECT.items()}
CONFIGS = re.compile(r"configs/.*\.yaml$")  # whose summaries are shown to readers
PAGES = re.compile(r"(?!docs/style\.md$).*\.md$")
SOURCES = ("common/", "distributed/", "sampler/", "trainer/", "bench/", "examples/", "tests/")


def prose(name, text):
    """The text with all that is no prose blanked out: code, strings of one word, and what pages quote."""
    blanks = lambda match: re.sub(r"[^\n]", " ", match[0])
    if PAGES.match(name):
        return re.sub(r"```.*?```|`[^`\n]*`|\]\([^)]*\)", blanks, text, flags=re.S)
    if CONFIGS.match(name):
        return re.sub(r"`[^`\n]*`|^ *\w+:|[{,] *\w+:", blanks, text, flags=re.M)
    if not name.startswith(SOURCES) or not name.endswith((".h", ".cpp")):
        return ""
    code = sources.blank(text)
    only = "".join(a if a != b else re.sub(r"[^\n]", " ", a) for a, b in zip(text, code))
    if name.startswith("tests/"):  # which have configurations and file formats in strings
        only = re.sub(r'R"\((?:.*?)\)"', blanks, only, flags=re.S)
    quoted = '"[^"\n]*"' if name.startswith("tests/") else '"[^" \n]*"'
    return re.sub(rf"`[^`\n]*`|{quoted}", blanks, only)


# a source that a page names; x.cpp and x_test.cpp are still to be written
SOURCE = re.compile(r"`([\w./-]+\.cpp)`")


def missing_sources(root, text, names):
    """Sources that the page names and that are nowhere, by the end of their paths."""
    return sorted({name for name in SOURCE.findall(CODE.sub("", text))
                   if not re.match(r"(.*/)?x[_.]", name)
                   and not any(("/" + path).endswith("/" + name) for path in names)})


LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
SKIPPED = re.compile(r"^(\.git|build[^/]*|runs|data|LICENSE)(/|$)|/__pycache__/|\.(png|jpg|gz|tar|"
                     r"safetensors)$")


def problems(root):
    root = pathlib.Path(root)
    found, names = [], [path.as_posix() for path in sources.files(root, {".cpp"})]
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        name = path.relative_to(root).as_posix()
        if SKIPPED.search(name):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for what, pattern in FORBIDDEN.items():
            for match in pattern.finditer(text):
                found.append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: '{match.group()}' is "
                             f"{what}")
        read = prose(name, text)
        for word, pattern in PROSE.items():
            for match in pattern.finditer(read):
                found.append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: '{match.group()}'; "
                             f"docs/style.md has: {word}")
        if path.suffix == ".md":
            found += [f"{name}: there is no source {source}" for source in missing_sources(root, text, names)]
            found += [f"{name}: the link to {link} leads nowhere" for link in LINK.findall(CODE.sub("", text))
                      if not (path.parent / link).exists()]
    return found


if __name__ == "__main__":
    sys.exit(sources.check(problems, "nothing to complain about"))
