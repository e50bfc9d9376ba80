#!/usr/bin/env python3
"""Do includes and link lines keep to the arrows of docs/design.md? usage: layering.py [ROOT]

A unit is a folder with one target. Checked: every quoted include names a file of a unit that its own unit may
use, and the link lines in the CMakeLists.txt files lead there; no link line breaks an arrow; outside
libraries stay where they belong; the rooms of a unit (its subfolders) do not include each other in a circle,
not even through files beside them.
"""
import pathlib
import re
import sys

import sources

# unit -> the units that it may use, itself excepted. `trainer` is main.cpp and its like, above all folders.
RANKLESS = {"common"}
MEASURING = {"common", "distributed", "trainer/losses", "trainer/miners", "trainer/encoders"}
ENGINE = MEASURING | {"sampler", "trainer/negatives", "trainer/eval"}
COORDINATOR = ENGINE | {"trainer/engine", "trainer/http", "trainer/report"}
RUN = COORDINATOR | {"trainer/coordinator", "trainer/search"}
COMMANDS = RUN | {"trainer/data", "trainer/data_view", "trainer/plan", "trainer/run", "trainer/init",
                  "trainer/serve", "trainer/survey"}
MAY_USE = {
    "common": set(),
    "distributed": {"common"},
    "sampler": {"common"},
    "trainer/losses": RANKLESS,
    "trainer/miners": RANKLESS,
    "trainer/encoders": RANKLESS,
    "trainer/data": {"common", "sampler"},
    "trainer/survey": {"common", "sampler"},
    "trainer/negatives": MEASURING,
    "trainer/eval": MEASURING,
    "trainer/report": {"common", "trainer/eval"},
    "trainer/search": {"common", "sampler", "trainer/eval", "trainer/report"},
    "trainer/http": {"common"},
    "trainer/serve": {"common", "trainer/http", "sampler", "trainer/eval", "trainer/search"},
    "trainer/engine": ENGINE,
    "trainer/coordinator": COORDINATOR,
    "trainer/run": RUN,
    "trainer/init": RUN | {"trainer/run", "trainer/survey"},
    "trainer/data_view": RUN | {"trainer/data", "trainer/run", "trainer/survey"},
    "trainer/plan": RUN | {"trainer/run"},
    "trainer/commands": COMMANDS,
    "trainer": COMMANDS | {"trainer/commands"},
}
NO_YAML = ("sampler", "distributed", "trainer/losses", "trainer/miners", "trainer/encoders")
# Outside headers, by the start of their name, and the only places that may include them.
KEPT_IN = {
    "torch/csrc/distributed/": ("distributed/",),
    "mpi.h": ("distributed/",),
    "nccl.h": ("distributed/",),
    "yaml-cpp/": ("common/yaml",),
    "archive": ("sampler/", "trainer/data/", "trainer/encoders/exported/"),
    "prometheus/": ("trainer/coordinator/", "trainer/http/process_metrics", "trainer/serve/"),
    "boost/": ("trainer/http/",),
    "CLI/": ("trainer/commands/", "trainer/main.cpp"),
    "torch/torch.h": (),
    "torch/extension.h": (),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def unit_of(path):
    """The unit that a file belongs to: "common", "trainer/losses", "trainer", "tests"."""
    parts = pathlib.PurePosixPath(path).parts
    if parts[0] == "trainer" and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0]


def read_links(root):
    """unit -> {"PUBLIC": units, "PRIVATE": units}, from the lodestone_library(...) calls."""
    calls = {}
    for path in sources.files(root, {".txt"}):
        if path.name != "CMakeLists.txt" or path.parts[0] == "tests":
            continue
        text = re.sub(r"#[^\n]*", "", (root / path).read_text())
        for call in re.finditer(r"lodestone_library\(\s*(\w+)([^)]*)\)", text):
            calls[call.group(1)] = (unit_of(path), call.group(2).split())
    links = {}
    for unit, words in calls.values():
        links[unit] = {"PUBLIC": set(), "PRIVATE": set()}
        section = None
        for word in words:
            if word in ("SOURCES", "PUBLIC", "PRIVATE"):
                section = word
            elif section in links[unit]:
                name = re.sub(r"^lodestone(::|_)", "", word)
                if name != word and name in calls:
                    links[unit][section].add(calls[name][0])
    return links


def reachable(links, unit, seen_by_users):
    """Units whose headers the unit may see: its own links and, from there on, public ones."""
    seen = set()
    queue = list(links[unit]["PUBLIC"] | (set() if seen_by_users else links[unit]["PRIVATE"]))
    while queue:
        other = queue.pop()
        if other not in seen:
            seen.add(other)
            queue += links.get(other, {"PUBLIC": ()})["PUBLIC"]
    return seen


def check_include(root, links, path, kind, name):
    """What is wrong with one include, or None."""
    unit = unit_of(path)
    if kind == "<":
        for start, places in KEPT_IN.items():
            if name.startswith(start) and not str(path).startswith(places + ("tests/",)):
                return (f"<{name}> belongs in "
                        f"{' or '.join(places) or 'no file: narrower headers compile faster'}")
        return None
    if unit == "tests" or unit == "bench":
        places = (root, root / "tests", root / path.parent)
        return None if any((place / name).exists() for place in places) else f'"{name}" is no file of ours'
    if not (root / name).exists():
        return f'"{name}" is not a path from the root'
    other = unit_of(name)
    if name == "common/yaml.h" and unit in NO_YAML:
        return f'"{name}": {unit} knows no YAML, only Fields'
    if other == unit:
        return None
    if other not in MAY_USE.get(unit, set()):
        return f'"{name}": {unit} must not use {other}'
    if unit in links and other not in reachable(links, unit, path.suffix == ".h"):
        where = "PUBLIC (a header includes it)" if path.suffix == ".h" else "PUBLIC or PRIVATE"
        return f'"{name}": the link line of {unit} does not lead to {other}; it needs it as {where}'
    return None


def room_of(name, unit):
    """The subfolder of a unit that a file is in; a file beside the subfolders, header and source together, is
    a room of its own."""
    parts = pathlib.PurePosixPath(name).relative_to(unit).parts
    return parts[0] + "/" if len(parts) > 1 else parts[0].rpartition(".")[0]


def room_includes(root, paths):
    """unit -> {(room, included room): one include between them}"""
    found = {}
    for path in paths:
        unit = unit_of(path)
        if unit not in MAY_USE or unit == "trainer":
            continue
        for match in INCLUDE.finditer(sources.blank_comments((root / path).read_text())):
            name = match.group(2)
            if match.group(1) == '"' and (root / name).exists() and unit_of(name) == unit:
                start, end = room_of(path, unit), room_of(name, unit)
                if start != end:
                    found.setdefault(unit, {}).setdefault((start, end), f'{path} includes "{name}"')
    return found


def room_circles(root, paths):
    """One line for each unit whose subfolders include each other in a circle: the includes of a shortest
    one."""
    found = []
    for unit, includes in sorted(room_includes(root, paths).items()):
        circles = [way for start in sorted({start for start, _ in includes}) if start.endswith("/")
                   if (way := shortest_circle(start, includes))]
        if circles:
            found.append(f"{unit}: its rooms include each other in a circle: "
                         + ", ".join(includes[step] for step in min(circles, key=len)))
    return found


def shortest_circle(start, pairs):
    """The shortest way along the pairs from `start` back to it, as a list of pairs; empty if there is
    none."""
    ways, queue = {start: []}, [start]
    for here in queue:
        for a, b in sorted(pairs):
            if a == here and b == start:
                return ways[here] + [(a, b)]
            if a == here and b not in ways:
                ways[b] = ways[here] + [(a, b)]
                queue.append(b)
    return []


def problems(root):
    root = pathlib.Path(root)
    links = read_links(root)
    found = room_circles(root, sources.files(root, sources.CPP))
    for unit, sections in sorted(links.items()):
        for other in sorted(sections["PUBLIC"] | sections["PRIVATE"]):
            if other not in MAY_USE.get(unit, set()):
                found.append(f"{unit}/CMakeLists.txt: {unit} must not link {other}")
    for path in sources.files(root, sources.CPP):
        if path.parts[:2] == ("tests", "checks"):
            continue
        if path.parts[0] == "trainer" and unit_of(path) not in MAY_USE:
            found.append(f"{path}: {unit_of(path)} has no place in the design")
            continue
        code = sources.blank((root / path).read_text())
        if "at::parallel_for" in code and path.stem != "parallel":
            found.append(f"{path}: at::parallel_for is serial without OpenMP; call parallel_ranges "
                         f"(common/parallel.h)")
        if unit_of(path) != "tests" and path.stem != "json_text" and re.search(r"(\.|->)dump\(", code):
            found.append(f"{path}: dump() throws at a name that is not UTF-8; call json_text "
                         f"(common/json_text.h)")
        for match in INCLUDE.finditer(sources.blank_comments((root / path).read_text())):
            wrong = check_include(root, links, path, match.group(1), match.group(2))
            if wrong:
                found.append(f"{path}: {wrong}")
    return found


if __name__ == "__main__":
    sys.exit(sources.check(problems, "every include and link line follows the arrows"))
