#!/usr/bin/env python3
"""Comments that formatting has not garbled. usage: comments.py [ROOT]

In .h and .cpp files:
- a label of a header comment (Math, Cost, Throws, …) begins its line: it must not stand in the middle of
  prose;
- a trailing ///< comment stays on the line of its whole declaration; a longer one goes above the member."""
import pathlib
import re
import sys

import sources

LABELS = ("Bad|Cost|Ensures|Epoch|Errors|Formula|Gradient|Group|Id|Labels|Limits|Math|Memory|Names|Order|"
          "Output|Owns|Ranks|Requires|"
          "Returns|Rows|Rule|Samples|Shapes|Source|Threads|Throws|Units")
SWALLOWED = re.compile(rf"//.*[^\s/<] +({LABELS}) {{2,}}\S")
TRAILING = re.compile(r"^\s*[^\s/].*///<")
SECOND_LINE = re.compile(r"^\s*///<")
WHOLE = re.compile(r"[;{},:]$|^$|^\s*#")  # how the line before a declaration ends


def problems(root):
    root = pathlib.Path(root)
    found = []
    for path in sources.files(root, sources.CPP):
        text = (root / path).read_text()
        before = ""
        for number, (line, code) in enumerate(zip(text.split("\n"), sources.blank(text).split("\n")), 1):
            place = f"{path.as_posix()}:{number}"
            label = SWALLOWED.search(line)
            if label:
                found.append(f"{place}: the label {label[1]} stands in the middle of a line; begin a line of "
                             f"the comment with it")
            if SECOND_LINE.match(line) or (TRAILING.match(line) and not WHOLE.search(before)):
                found.append(f"{place}: a ///< comment of more than one line; put it above the member, as "
                             f"///")
            before = code.rstrip() if code.strip() or not line.strip() else before
    return found


if __name__ == "__main__":
    sys.exit(sources.check(problems, "comments are in form"))
