#!/usr/bin/env python3
"""Paths come from users: a name of 300 characters or a loop of links must be an answer, not an exception, and
every option and key that holds a path must go through user_path(). usage: paths.py [ROOT]

- no call of std::filesystem that throws: ask common/paths.h, or hand it a std::error_code;
- options of the command line that take paths are made by add_path;
- configuration fields that hold paths have the unit kPathUnit."""
import pathlib
import re
import sys

import sources

PRODUCT = ("common", "distributed", "sampler", "trainer")
CALLS = ("exists|is_directory|is_regular_file|is_symlink|is_empty|is_other|is_fifo|is_socket|file_size|"
         "hard_link_count|status|"
         "symlink_status|last_write_time|canonical|weakly_canonical|absolute|relative|proximate|equivalent|"
         "create_directory|"
         "create_directories|create_symlink|create_directory_symlink|create_hard_link|copy|copy_file|"
         "copy_symlink|remove|remove_all|"
         "rename|resize_file|read_symlink|space|permissions|current_path|temp_directory_path|"
         "directory_iterator|"
         "recursive_directory_iterator")
FREE_CALL = re.compile(rf"\b(?:fs|filesystem)::({CALLS})\b(?:\s+\w+)?\s*(?=\()")
ENTRY_CALL = re.compile(r"(?:\.|->)(is_directory|is_regular_file|is_symlink|is_other|is_fifo|file_size|"
                        r"last_write_time|symlink_status)"
                        r"\s*\(\s*\)")
LOOP = re.compile(r"\bfor\s*\([^;(){}]*:\s*(?:std::|::)?(?:fs|"
                  r"filesystem)::(?:recursive_)?directory_iterator\b")
ERROR_CODE = re.compile(r"^(error|code|ignored|gone|none|failed|unknown)$")
# What is no user's path, with the reason.
ALLOWED = {("trainer/commands/launch.cpp", "read_symlink"): "/proc/self/exe"}

# Options and keys whose name or sentence speaks of these hold paths, but for those below, which are no paths.
OPTION = re.compile(r'->add_option\(\s*"([^"]+)"\s*,\s*[^,]+,\s*((?:"(?:\\.|[^"\\])*"\s*)*)', re.S)
OF_PATHS = re.compile(r"\b(files?|folders?|paths?|checkpoints?|YAML|JSON)\b")
NO_PATH_OPTIONS = {"--input": "a text, too: search looks at it",
                   "--set": "an assignment, whose key says what it holds",
                   "--address": "of this host", "--kind": "a word", "--calibrate": "a rate",
                   "--name": "an identity",
                   "-k": "a number"}
FIELD = re.compile(r'\bfield\(\s*\{\s*"(\w+)"(.*?)\}\s*,\s*&', re.S)
PATH_KEY = re.compile(r"(^|_)(path|file|dir|folder|root|runs|cache)$|^(certificate|init_from|mixture|"
                      r"tuples)$")


def arguments(code, at):
    """The top-level arguments of the parenthesis at `at`."""
    depth, begin, found = 0, at + 1, []
    for i in range(at, len(code)):
        if code[i] in "([{":
            depth += 1
        elif code[i] in ")]}":
            depth -= 1
            if depth == 0:
                return found + [code[begin:i].strip()]
        elif code[i] == "," and depth == 1:
            found.append(code[begin:i].strip())
            begin = i + 1
    return found


def throwing_calls(code):
    """(position, name) of each call that has no error_code to write to."""
    for match in FREE_CALL.finditer(code):
        given = arguments(code, match.end())
        ends = given == [""] and "iterator" in match[1]  # of a walk
        if not ends and not ERROR_CODE.match(given[-1] if given else ""):
            yield match.start(), match[1]
    for match in ENTRY_CALL.finditer(code):
        yield match.start(), match[1]
    for match in LOOP.finditer(code):
        yield match.start(), "a loop over directory_iterator"


def problems(root):
    root = pathlib.Path(root)
    found = []
    for path in sources.files(root, sources.CPP, PRODUCT):
        name, text = path.as_posix(), (root / path).read_text()
        code, with_strings = sources.blank(text), sources.blank_comments(text)

        def add(position, what):
            found.append(f"{name}:{text.count(chr(10), 0, position) + 1}: {what}")

        for position, call in throwing_calls(code):
            if (name, call) not in ALLOWED:
                add(position, f"{call} throws; ask common/paths.h, or hand it a std::error_code")
        for match in OPTION.finditer(with_strings):
            if OF_PATHS.search(match[2]) and match[1] not in NO_PATH_OPTIONS:
                add(match.start(), f"the option {match[1]} takes a path; make it by add_path")
        for match in FIELD.finditer(with_strings):
            if PATH_KEY.search(match[1]) and "kPathUnit" not in match[2]:
                add(match.start(), f"the key {match[1]} holds a path; give it the unit kPathUnit")
    return found


if __name__ == "__main__":
    sys.exit(sources.check(problems, "no path goes its own way"))
