#!/usr/bin/env python3
"""Prints how long files and functions are, per folder, and fails over the budget.

usage: size_table.py [ROOT]"""
import pathlib
import re
import sys

import sources

FILE_P95, FILE_MAX = 300, 500
FUNCTION_P95, FUNCTION_MAX = 40, 80


def percentile(values, percent):
    """The smallest value that at least `percent` % of the values do not exceed; 0 for none."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else 0


def closing(text, start):
    """Where the brace or parenthesis opened at `start` is closed; the end of the text if nowhere."""
    depth = 0
    for match in re.compile(r"[({\[\])}]").finditer(text, start):
        depth += 1 if match.group() in "({[" else -1
        if depth == 0:
            return match.start()
    return len(text)


def functions(text):
    """(first line, lines) of every outermost function body: from its opening brace to its closing one."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()),
                  sources.blank(text), flags=re.M)
    found, head, at = [], 0, 0
    while at < len(code):
        char = code[at]
        if char in ";}":
            head = at + 1
        elif char in "([":
            at = closing(code, at)
        elif char == "{":
            before = code[head:at]
            end = closing(code, at)
            if "(" not in re.sub(r"\b(alignas|decltype|__attribute__)\s*\([^()]*\)", "", before):
                if re.search(r"\b(namespace|class|struct|union|extern)\b", before):
                    head = at + 1  # look inside
                else:
                    at = end  # an enum or an initializer
            elif re.search(r"(?<![=!<>])=\s*$", before) or re.match(r"\s*[,{]", code[end + 1:]):
                at = end  # a default or a member's initializer
            else:
                first = code.count("\n", 0, at) + 1
                found.append((first, code.count("\n", 0, end) + 1 - first + 1))
                at, head = end, end + 1
        at += 1
    return found


def survey(root):
    """folder -> ({file: lines}, {"file:line": lines})"""
    table = {}
    for path in sources.files(root, sources.CPP | {".py"}):
        folder = "/".join(path.parts[:2]) if len(path.parts) > 2 else path.parts[0]
        lengths, bodies = table.setdefault(folder, ({}, {}))
        text = (pathlib.Path(root) / path).read_text()
        lengths[str(path)] = text.count("\n")
        if path.suffix in sources.CPP:
            bodies.update({f"{path}:{first}": lines for first, lines in functions(text)})
    return table


def row(name, lengths, bodies):
    numbers = [len(lengths), sum(lengths), *(percentile(lengths, p) for p in (50, 95, 100)),
               len(bodies), *(percentile(bodies, p) for p in (50, 95, 100))]
    return f"{name:<22}" + "".join(f"{number:>8}" for number in numbers)


def main():
    table = survey(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    titles = ("files", "lines", "p50", "p95", "max", "funcs", "p50", "p95", "max")
    print(f"{'folder':<22}" + "".join(f"{title:>8}" for title in titles))
    files, bodies = {}, {}
    for folder, (lengths, functions_here) in sorted(table.items()):
        print(row(folder, lengths.values(), functions_here.values()))
        files.update(lengths)
        bodies.update(functions_here)
    print(row("all", files.values(), bodies.values()))
    over = [f"{name}: {lines} lines, at most {FILE_MAX}" for name, lines in files.items() if lines > FILE_MAX]
    over += [f"{name}: a function of {lines} lines, at most {FUNCTION_MAX}" for name, lines in bodies.items()
             if lines > FUNCTION_MAX]
    for what, values, limit in (("files", files, FILE_P95), ("functions", bodies, FUNCTION_P95)):
        if percentile(values.values(), 95) > limit:
            over.append(f"{what}: 95 % must have at most {limit} lines")
    print("\n".join(over) if over else f"within budget: files p95 {FILE_P95}, max {FILE_MAX}; functions p95 "
          f"{FUNCTION_P95}, max {FUNCTION_MAX}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
