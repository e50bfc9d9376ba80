#!/usr/bin/env python3
"""No notes to self, no paths of somebody's own machine, no dead links in what we ship. usage: wording.py [ROOT]"""
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
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
SKIPPED = re.compile(r"^(\.git|build[^/]*|runs|data|LICENSE)(/|$)|/__pycache__/|\.(png|jpg|gz|tar|safetensors)$")


def problems(root):
    root = pathlib.Path(root)
    found = []
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
                found.append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: '{match.group()}' is {what}")
        if path.suffix == ".md":
            found += [f"{name}: the link to {link} leads nowhere" for link in LINK.findall(CODE.sub("", text)) if not (path.parent / link).exists()]
    return found


if __name__ == "__main__":
    sys.exit(sources.check(problems, "nothing to complain about"))
