#!/usr/bin/env python3
"""No line of code is longer than 110 columns, in any language; lines of C++ raw strings may be.

Docstrings and # comments are filled: a line that is less than half as long takes the next word if that fits,
so that a paragraph wrapped twice is found. A line that ends a sentence, and one before an entry of a list,
may be short. usage: columns.py [ROOT]
"""
import ast
import pathlib
import re
import sys

import sources

COLUMNS = 110  # the ColumnLimit of .clang-format, which leaves comments and strings as they are
FOLDERS = (*sources.FOLDERS, "cmake", "deploy", "tools")
CODE = sources.CPP | {".cmake", ".css", ".html", ".in", ".js", ".py", ".sbatch", ".sh"}
NAMES = {"CMakeLists.txt", "Dockerfile", "dev", "sbom"}
FILLED = {".cmake", ".in", ".py", ".sbatch", ".sh"}  # besides NAMES; clang-format fills comments of C++
COMMENT = re.compile(r"\s*# (\S.*)")
ENTRY = re.compile(r"[-*|\[]|\S+ {2,}\S|usage:")  # how a line begins that does not continue the one before
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
RAW_STRING = re.compile(r'R"([^()\s\\]{0,16})\(.*?\)\1"', re.S)


def lines_of_raw_strings(text):
    """The numbers of all lines that a raw string stands on."""
    lines = set()
    for match in RAW_STRING.finditer(text):
        first, last = text.count("\n", 0, match.start()) + 1, text.count("\n", 0, match.end()) + 1
        lines.update(range(first, last + 1))
    return lines


def lines_of_docstrings(code):
    """The numbers of all lines that a docstring of Python stands on."""
    lines = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            lines.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return lines


def broken_lines(text, docstrings):
    """The numbers of the lines of prose that are short although the next line's first word fits."""
    lines = text.split("\n")
    prose = {number: line.strip() if number in docstrings else (match[1].strip() if match else "")
             for number, line in enumerate(lines, 1) for match in [COMMENT.match(line)]}
    return [number for number, line in enumerate(lines[:-1], 1)
            if (now := prose[number]) and (after := prose[number + 1].strip('"'))
            and now[-1] not in '.:;?!"' and not ENTRY.match(after)
            and len(line) < COLUMNS // 2 and len(line) + 1 + len(after.split()[0]) <= COLUMNS]


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
        if path.suffix in FILLED or path.name in NAMES:
            docstrings = lines_of_docstrings(text) if path.suffix == ".py" else set()
            found += [f"{path.as_posix()}:{number}: the first word of the next line fits; fill the paragraph"
                      for number in broken_lines(text, docstrings)]
    return found


if __name__ == "__main__":
    sys.exit(sources.check(problems, "every line fits the window"))
