#!/usr/bin/env python3
"""Prints the structure of the tree in figures: sizes, includes between folders, longest files and functions.

usage: structure.py [ROOT]. Run it before and after a change of the layout, and compare. It checks nothing:
size_table.py and layering.py do.
"""
import collections
import pathlib
import sys

import layering
import size_table
import sources

PRODUCT = ("common", "distributed", "sampler", "trainer")
LONGEST = 10


def folder_of(path, depth):
    """The folder of a file, at most `depth` names of it."""
    return "/".join(path.parent.parts[:depth])


def arrows(root, depth):
    """{(from, to): includes} between folders of the product, each cut to `depth` names."""
    root, found = pathlib.Path(root), collections.Counter()
    for path in sources.files(root, sources.CPP, PRODUCT):
        for kind, name in layering.INCLUDE.findall(sources.blank_comments((root / path).read_text())):
            start, end = folder_of(path, depth), folder_of(pathlib.PurePosixPath(name), depth)
            if kind == '"' and start != end and (root / name).exists():
                found[start, end] += 1
    return found


def circle(pairs):
    """The folders from which arrows lead back to themselves, sorted."""
    ends = collections.defaultdict(set)
    for start, end in pairs:
        ends[start].add(end)

    def returns(folder):
        seen, queue = set(), [folder]
        while queue:
            new = ends[queue.pop()] - seen
            seen |= new
            queue += new
        return folder in seen
    return [folder for folder in sorted({start for start, _ in pairs}) if returns(folder)]


def lines_of_arrows(root):
    """Includes between folders of one, two and, where there are any, three names."""
    lines, before = [], None
    for depth in (1, 2, 3):
        found = arrows(root, depth)
        if found == before:
            continue
        folders = {folder for pair in found for folder in pair}
        lines.append(f"\nincludes between folders of depth {depth}: {sum(found.values())} on {len(found)} "
                     f"arrows "
                     f"between {len(folders)} folders; circles: {', '.join(circle(found)) or 'none'}")
        lines += [f"  {start} -> {end}: {count}" for (start, end), count in sorted(found.items())]
        before = found
    return lines


def report(root):
    """The lines to print."""
    lengths, bodies = {}, {}
    for files, functions in size_table.survey(root).values():
        lengths.update(files)
        bodies.update(functions)
    lines, longest = [], []
    for name, sizes in (("files", lengths), ("functions", bodies)):
        figures = ", ".join(f"{title} {size_table.percentile(sizes.values(), percent)}"
                            for title, percent in (("median", 50), ("p95", 95), ("max", 100)))
        lines.append(f"{len(sizes)} {name}, {sum(sizes.values())} lines; lines of each: {figures}")
        ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:LONGEST]
        longest += [f"\nlongest {name}:", *(f"  {size:>5}  {place}" for place, size in ordered)]
    return lines + lines_of_arrows(root) + longest


if __name__ == "__main__":
    ours = pathlib.Path(__file__).resolve().parents[2]
    print("\n".join(report(sys.argv[1] if len(sys.argv) > 1 else ours)))
