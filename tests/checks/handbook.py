#!/usr/bin/env python3
"""The operator's handbook is complete: docs/operations.md and docs/errors.md name every exit code, signal,
environment variable, alert and file of a run that the sources know, and no exit code, variable or alert that
they don't. docs/losses.md begins a row with the name and sentence of each loss and miner. usage: handbook.py
[ROOT]"""
import pathlib
import re
import sys

import sources

PRODUCT = ("common", "distributed", "sampler", "trainer")
# Handed on by prefix.
OTHERS = {"OMP_*", "GOMP_*", "NCCL_*"}
VARIABLE = re.compile(r'"(OMPI_MCA_\w+|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|RANK|HOME)=?"')
SETTING = re.compile(r"\$\{([A-Z][A-Z_]*):-")
SCHEDULERS = {"SLURM_RESTART_COUNT"}
NAMED = re.compile(r'\{"(\w+)",\s*"([^"]+)",')  # a row of a table: name, one sentence


def product(root):
    """{path: text without comments} of the sources of the program."""
    return {path: sources.blank_comments((root / path).read_text()) for path in sources.files(
        root, sources.CPP, PRODUCT)}


def section(text, title):
    """What stands below a heading, up to the next of its rank."""
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found[1] if found else ""


def first_cells(text):
    """The words in backquotes, or plain numbers, of each table row's first cell."""
    cells = [row.split("|")[1] for row in text.splitlines() if row.startswith("| ")]
    return {word for cell in cells for word in re.findall(r"`([^`]+)`|\b(\d+)\b", cell) for word in word
            if word}


def differences(what, page, told, known):
    return [f"{page} does not name {what} {name}" for name in sorted(known - told)] + [
        f"{page} names {what} {name}, which the sources don't know" for name in sorted(told - known)]


def unlike_tables(root):
    """The differences of docs/losses.md from the tables of losses and miners."""
    page, found = (root / "docs/losses.md").read_text(), []
    for title, table in (("Losses", "trainer/losses/table.cpp"), ("Miners", "trainer/miners/table.cpp")):
        told = set(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", section(page, title), re.M))
        known = set(NAMED.findall((root / table).read_text()))
        as_row = lambda rows: {f"| `{name}` | {sentence} |" for name, sentence in rows}
        found += differences(f"the row of {table}", "docs/losses.md", as_row(told), as_row(known))
    return found


def problems(root):
    root = pathlib.Path(root)
    operations, errors = ((root / f"docs/{name}.md").read_text() for name in ("operations", "errors"))
    code = product(root)
    everything = "\n".join(code.values())
    enum = re.search(r"enum ExitCode[^{]*{(.*?)}", everything, re.S)[1]
    found = differences("exit code", "docs/errors.md", first_cells(section(errors, "Exit codes")),
                        set(re.findall(r"= (\d+)", enum)))

    environment = section(operations, "Environment")
    variables = {name for text in code.values() for name in VARIABLE.findall(text)}
    told = first_cells(environment) | {name for name in set(re.findall(r"`([A-Z_0-9*]+)`", environment))
                                       & variables}
    found += differences("variable", "docs/operations.md", told, variables | OTHERS)
    settings = {name for path in sorted((root / "deploy").rglob("*")) if path.suffix in {".sh", ".sbatch"}
                for name in SETTING.findall(path.read_text())}
    found += [f"docs/operations.md does not name setting {name} of deploy/" for name in sorted(
        settings - SCHEDULERS)
              if f"`{name}`" not in environment]

    alerts = re.findall(r"alert: (\w+)", (root / "deploy/prometheus/rules.yaml").read_text())
    found += differences("alert", "docs/operations.md", first_cells(section(operations, "Alerts")),
                         set(alerts))
    found += [f"docs/operations.md gives no runbook entry for {name}" for name in alerts
              if f"monitoring.md#{name.lower()})" not in operations]

    signals = {name for name in re.findall(r"\bSIG([A-Z]+[12]?)\b", everything)} - {"CHLD", "KILL"}
    found += [f"docs/errors.md does not name signal {name}" for name in sorted(signals)
              if not re.search(rf"\b{name}\b", section(errors, "Signals"))]
    runs = "\n".join(text for path, text in code.items() if path.parts[0] == "trainer" and path.parts[1]
                     != "data")
    files = set(re.findall(r'(?:root_|root\(\)|run_folder|\broot) / "([^"]+)"', runs))
    found += [f"docs/operations.md does not name file {name} of a run" for name in sorted(files)
              if name not in section(operations, "Files")]
    return found + unlike_tables(root)


if __name__ == "__main__":
    sys.exit(sources.check(problems, "the handbook is complete"))
