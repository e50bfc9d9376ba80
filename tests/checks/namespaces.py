#!/usr/bin/env python3
"""Every folder has its namespace: common/ is lodestone, sampler/ is lodestone::sampler, trainer/losses/ is
lodestone::losses."""
import re
import sys

import sources

FOLDERS = ("common", "distributed", "sampler", "trainer")
SPECIAL = re.compile(r"\s*template <>")  # a specialisation must stand in the namespace of its template
OPENED = re.compile(r"^namespace (lodestone[\w:]*) \{", re.MULTILINE)


def expected(path):
    """The namespace of a file."""
    if path.parts[0] == "common":
        return "lodestone"
    return "lodestone::" + path.parts[1 if path.parts[0] == "trainer" else 0]


def problems(root):
    found = []
    for path in sources.files(root, sources.CPP, FOLDERS):
        want = expected(path)
        code = sources.blank((root / path).read_text())
        for match in OPENED.finditer(code):
            name = match.group(1)
            if name != want and not name.startswith(want + "::") and not is_entry(
                path, name) and not SPECIAL.match(code, match.end()):
                found.append(f"{path}: expected namespace {want}, got {name}")
    return found


def is_entry(path, name):
    """lodestone::main, which a program calls, is no folder's."""
    return path.stem == "main" and name == "lodestone"


if __name__ == "__main__":
    sys.exit(sources.check(problems, "every folder has its namespace"))
