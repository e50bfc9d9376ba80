#!/usr/bin/env python3
"""No line of code is longer than 110 columns, in any language; lines of C++ raw strings may be.

usage: columns.py [ROOT]
"""
import pathlib
import re
import sys

import sources

COLUMNS = 110  # the ColumnLimit of .clang-format, which leaves comments and strings as they are
FOLDERS = (*sources.FOLDERS, "cmake", "deploy", "tools")
CODE = sources.CPP | {".cmake", ".css", ".html", ".in", ".js", ".py", ".sbatch", ".sh"}
NAMES = {"CMakeLists.txt", "Dockerfile", "dev", "sbom"}
RAW_STRING = re.compile(r'R"([^()\s\\]{0,16})\(.*?\)\1"', re.S)


def lines_of_raw_strings(text):
    """The numbers of all lines that a raw string stands on."""
    lines = set()
    for match in RAW_STRING.finditer(text):
        first, last = text.count("\n", 0, match.start()) + 1, text.count("\n", 0, match.end()) + 1
        lines.update(range(first, last + 1))
    return lines


def problems(root):
    root, found = pathlib.Path(root), []
    paths = [path.relative_to(root) for path in root.glob("*") if path.is_file()]
    paths += [path for folder in FOLDERS for path in sources.files(root, None, (folder,))]
    for path in sorted(path for path in paths if path.suffix in CODE or path.name in NAMES):
        text = (root / path).read_text()
        raw = lines_of_raw_strings(text) if path.suffix in sources.CPP else set()
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > COLUMNS and number not in raw:
                found.append(f"{path.as_posix()}:{number}: {len(line)} columns; at most {COLUMNS}")
    return found


if __name__ == "__main__":
    sys.exit(sources.check(problems, "every line fits the window"))
