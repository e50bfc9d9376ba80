#!/usr/bin/env python3
"""Descriptions of configuration fields name their members. usage: fields.py [ROOT]

In .h and .cpp files, comments with examples included, a FieldInfo is written as {.name = "x", .doc = "…",
.min = 0.0}: in {"x", "…", "", 0.0} nobody sees which of the numbers is the minimum."""
import pathlib
import re
import sys

import sources

POSITIONAL = re.compile(r'\b(?:(?:field|choice|group|nested|slot)\(\s*|'
                        r'FieldInfo(?:\s+\w+)?\s*(?:=\s*)?)\{\s*(?:///\s*)?"(\w+)"')


def problems(root):
    root = pathlib.Path(root)
    found = []
    for path in sources.files(root, sources.CPP):
        text = (root / path).read_text()
        for match in POSITIONAL.finditer(text):
            place = f"{path.as_posix()}:{text.count(chr(10), 0, match.start()) + 1}"
            found.append(f'{place}: the field "{match[1]}" is described by position; write {{.name = '
                         f'"{match[1]}", .doc = …}}')
    return found


if __name__ == "__main__":
    sys.exit(sources.check(problems, "fields are described by name"))
