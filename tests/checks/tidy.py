#!/usr/bin/env python3
"""clang-tidy with the checks of .clang-tidy.

usage: tidy.py [--build FOLDER] [--all | --since REVISION | FILE...]

By default the files that differ from where the branch left origin/main, or from HEAD~1 if HEAD is on
origin/main; uncommitted changes are included. Of too many sources some of every folder are read, and those
left out are named. A header is read through one source that includes it. Needs compile_commands.json of a
configured and built folder, and the clang-tidy version that ./dev installs (other versions report other
things), found by TIDY_MODULES, which ./dev sets. Exit codes: 0 nothing found, 1 something found, 77 no
clang-tidy.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = "23."
MOST = 150  # sources of one run that is not --all: about four seconds of a processor each
# Options that clang does not know, and those that only cost time.
NOT_CLANG = re.compile(r"-fpch-preprocess|-Winvalid-pch|-Werror|-Wno-(restrict|stringop-overflow|"
                       r"array-bounds)|-O\d")


def clang_tidy():
    """The command, or None: the pinned version alone, since others find other things."""
    modules = os.environ.get("TIDY_MODULES")
    path = pathlib.Path(modules, "clang_tidy/data/bin/clang-tidy") if modules else None
    if path is None or not path.exists():
        return None
    found = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    return str(path) if f"version {VERSION}" in found else None


def commands(build):
    """Compile commands by source, relative to ROOT, in words that clang takes."""
    entries = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"])
        if not source.is_relative_to(ROOT) or source.is_relative_to(build):
            continue
        words = [word for word in shlex.split(entry["command"]) if not NOT_CLANG.fullmatch(word)]
        entries[str(source.relative_to(ROOT))] = {"directory": entry["directory"], "file": str(source),
                                                  "arguments": words}
    return entries


def git(*words):
    return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=False)


def start_of_branch():
    """Where HEAD's branch left origin/main; HEAD~1 if HEAD is on origin/main, or if the clone has no such
    branch."""
    base, head = git("merge-base", "origin/main",
                     "HEAD").stdout.strip(), git("rev-parse", "HEAD").stdout.strip()
    return base if base and base != head else "HEAD~1"


def spread(chosen, most):
    """At most so many of the sources, in turn from each folder, so that no folder is left out while another
    is read whole."""
    folders = {}
    for source in chosen:
        folders.setdefault(os.path.dirname(source), []).append(source)
    turns = sorted((turn, source) for names in folders.values() for turn, source in enumerate(names))
    return sorted(source for _, source in turns[:most])


def changed_since(revision):
    """Sources and headers that differ from the revision, or None if the clone does not have it."""
    if git("rev-parse", "--verify", "--quiet", revision + "^{commit}").returncode != 0:
        return None
    names = git("diff", "--name-only", "--diff-filter=d", revision).stdout.split()
    names += git("ls-files", "--others", "--exclude-standard").stdout.split()
    return sorted(name for name in names if name.endswith((".cpp", ".h")))


def reader_of(header, sources):
    """One source that includes the header: the one of its name if there is one."""
    stem = header[:-2] + ".cpp"
    if stem in sources:
        return stem
    line = re.compile(r'^#include "' + re.escape(header) + '"', re.MULTILINE)
    return next((source for source in sorted(sources)
                 if (ROOT / source).exists() and line.search((ROOT / source).read_text())), None)


def sources_of(names, sources):
    """The sources to compile for these files, without repetition."""
    found = [name if name.endswith(".cpp") else reader_of(name, sources) for name in names]
    return sorted({source for source in found if source in sources})


def extra_arguments():
    """clang's own folder lacks omp.h; g++'s comes last, so that no other header of it is taken."""
    headers = subprocess.run(["g++", "-print-file-name=include"], capture_output=True, text=True,
                             check=True).stdout.strip()
    words = ["-Wno-unknown-warning-option", "-Wno-unused-command-line-argument", "-idirafter", headers]
    return ["--extra-arg=" + word for word in words]


def run(tool, database, extra, source):
    result = subprocess.run([tool, "--quiet", "-p", database, *extra, ROOT / source], capture_output=True,
                            text=True)
    lines = result.stdout.strip()
    return lines if result.returncode == 0 else (lines or result.stderr.strip()
                                                 or f"{source}: clang-tidy failed")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--since", default=start_of_branch())
    parser.add_argument("files", nargs="*")
    return parser.parse_args()


def main():
    args = arguments()
    tool = clang_tidy()
    if tool is None:
        print(f"skipped: clang-tidy {VERSION}x is not in TIDY_MODULES; ./dev tidy installs it")
        return 77
    sources = commands(args.build.resolve())
    names = list(sources) if args.all else args.files or changed_since(args.since)
    if names is None:
        print(f"skipped: this clone has no {args.since}; name files, or give --all")
        return 77
    chosen = sources_of(names, sources)
    if not (args.all or args.files) and len(chosen) > MOST:
        read = spread(chosen, MOST)
        print(f"{len(chosen)} sources differ from {args.since}: {MOST} are read, of every folder some; ./dev "
              f"tidy --all reads all. "
              "Not read:", *sorted(set(chosen) - set(read)), sep="\n  ")
        chosen = read
    database = args.build / "tidy"
    database.mkdir(exist_ok=True)
    (database / "compile_commands.json").write_text(json.dumps(list(sources.values())))
    found, extra = 0, extra_arguments()
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for lines in pool.map(lambda source: run(tool, database, extra, source), chosen):
            if lines:
                found += 1
                print(lines, flush=True)
    print(f"clang-tidy: {len(chosen)} sources read, {found} with something to mend")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
