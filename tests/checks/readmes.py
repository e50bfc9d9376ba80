#!/usr/bin/env python3
"""Every folder with a library has a README of at most 40 lines with a glossary. usage: readmes.py [ROOT]"""
import pathlib
import sys

import sources

LINES = 40
LIBRARY = "lodestone_library("


def problems(root):
    root = pathlib.Path(root)
    found = []
    for path in sources.files(root, {".txt"}, ("common", "distributed", "sampler", "trainer")):
        if path.name != "CMakeLists.txt" or LIBRARY not in (root / path).read_text():
            continue
        name = path.with_name("README.md")
        if not (root / name).exists():
            found.append(f"{name}: expected a README for the folder's library, got none")
            continue
        text = (root / name).read_text()
        lines = text.count("\n")
        if lines > LINES:
            found.append(f"{name}: {lines} lines; at most {LINES}. Move what a user needs to docs/")
        if "\n## Glossary\n" not in text:
            found.append(f"{name}: expected a section '## Glossary' with the folder's words, got none")
    return found


if __name__ == "__main__":
    sys.exit(sources.check(problems, "every folder has a README with a glossary"))
