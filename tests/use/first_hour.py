#!/usr/bin/env python3
"""The first hour of a new user, for each kind of data: init, data show, train, evaluate, embed, search,
serve, export. Nothing is edited by hand; every exit code, every line of stderr and every output is checked.

first_hour.py PROGRAM FOLDER [--sample] [--only KIND …] [--minutes M] [--record FILE] [--fonts FOLDER …]

Without --sample the data are those that the distribution's packages give, init gets the minutes that the
shipped recipe takes, and the model of init's configuration must reach that recipe's figure less two points:
the recipe is trained by this script, in the same minutes, on the same machine. --sample plays every kind on a
few samples in seconds, and compares nothing."""
import argparse
import json
import pathlib
import sys

import kinds
from session import Session


def played(session, kind, minutes):
    """Takes the kind's data from init to export. Returns what the run reached, as figures."""
    name, run = kind.name, f"runs/{kind.name}"
    session.clear(name)
    if kind.tuples:
        session.run("data", "pairs", kind.source, "--output", kind.tuples, "--count", kind.tuple_count)
    session.run("init", "--from", kind.tuples or kind.source, "--output", f"{name}.yaml", "--minutes",
                minutes)
    session.holds(f"{name}.yaml", "# Written by", "schedule:")
    session.run("config", f"{name}.yaml")
    session.run("data", "show", f"{name}.yaml", "--html", f"{name}-data.html", "--json", f"{name}-data.json")
    session.holds(f"{name}-data.html", "</html>")
    session.json(f"{name}-data.json")

    seconds = session.run("train", f"{name}.yaml").seconds
    session.holds(f"{run}/report.html", "</html>")
    session.run("evaluate", run, "--json", f"{name}-own.json")
    session.run("evaluate", run, "--data", kind.judged, "--report", f"{name}-judged.html", "--json",
                f"{name}-judged.json")
    session.holds(f"{name}-judged.html", "</html>")
    figures = session.json(f"{name}-judged.json")
    session.expect(0 <= figures[kind.metric] <= 1, f"{kind.metric} is {figures[kind.metric]}")

    session.run("embed", run, "--input", kind.gallery, "--output", f"{name}.safetensors")
    rows = session.rows(f"{name}.safetensors")
    session.expect(len(rows) == kind.gallery_rows, f"expected {kind.gallery_rows} rows, got {len(rows)}")
    answered(session, kind, run)
    session.run("export", run, "--format", "torchscript", "--output", f"{name}.pt")
    session.holds(f"{name}.md", "#")
    session.expect(session.size(f"{name}.pt") > 1000, "the exported model is empty")
    return {"seconds": round(seconds), "steps": session.last_step(run), kind.metric: figures[kind.metric]}


def answered(session, kind, run):
    """The row itself is the answer to a search for it, on the command line and over HTTP."""
    name = kind.name
    session.run("search", run, "--gallery", f"{name}.safetensors", "--input", kind.query, "-k", "3", "--json",
                f"{name}-hits.json",
                "--html", f"{name}-hits.html")
    hits = session.json(f"{name}-hits.json")["answers"][0]["hits"]
    session.expect(len(hits) == 3, f"expected 3 hits, got {len(hits)}")
    session.expect(kind.crossed or hits[0]["score"] > 0.999, f"the row itself is not found: {hits[0]}")
    session.holds(f"{name}-hits.html", "</html>")
    session.holds_one(f"{name}-hits.html", kind.shown)
    with session.served(run, "--gallery", f"{name}.safetensors") as service:
        found = service.search(kind.query_body())["answers"][0]["hits"]
        session.expect(found[0]["id"] == hits[0]["id"], f"serve finds {found[0]}, search {hits[0]}")


def recipe(session, kind, seconds):
    """What the shipped recipe reaches on the same data in the same time: its steps are cut to what a probe of
    it takes."""
    name = f"{kind.name}-recipe"
    words = [kind.recipe, "--set", f"run_dir=runs/{name}",
             *(word for item in kind.recipe_settings for word in ("--set", item))]
    session.run("train", *words, "--set", f"run_dir=runs/{name}-probe", "--set", "schedule.steps=25", "--set",
                "schedule.warmup_steps=0",
                "--set", "evaluate.floor=false", strict=False)
    pace = session.step_seconds(f"runs/{name}-probe")
    steps = min(kind.recipe_steps, max(25, int(seconds / pace)))
    done = session.run("train", *words, "--set", f"schedule.steps={steps}", strict=False)
    session.run("evaluate", f"runs/{name}", "--json", f"{name}.json")
    figure = session.json(f"{name}.json")[kind.metric]
    return {"seconds": round(done.seconds), "steps": steps, kind.metric: figure}


def main():
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--sample", action="store_true")
    options.add_argument("--only", nargs="+", choices=list(kinds.KINDS), default=list(kinds.KINDS))
    options.add_argument("--minutes", type=float, help="time budget of each kind, in place of its recipe's")
    options.add_argument("--record", type=pathlib.Path, help="JSON of what was reached; kinds that are in it "
                         "already are kept")
    options.add_argument("--fonts", nargs="+", default=[], help="folders of fonts for the typefaces, in "
                         "place of the system's")
    given = options.parse_args()
    session = Session(given.program.resolve(), given.folder.resolve())
    source = kinds.Source(session, given.sample, given.fonts)
    record = json.loads(given.record.read_text()) if given.record and given.record.exists() else {}
    failures = []
    for name in given.only:
        kind = kinds.KINDS[name](source)
        if kind is None:
            print(f"{name}: skipped, its package is not installed", flush=True)
            continue
        minutes = given.minutes or (0.02 if given.sample else kind.minutes)
        reached = played(session, kind, minutes)
        record[name] = {"metric": kind.metric, "minutes": minutes, "init": reached}
        line = (f"{name}: init reaches {kind.metric} {reached[kind.metric]:.1%} in {reached['seconds']} s, "
                f"{reached['steps']} steps")
        if not given.sample:
            bar = record[name]["recipe"] = recipe(session, kind, 60 * minutes)
            line += f"; the recipe {bar[kind.metric]:.1%} in {bar['seconds']} s, {bar['steps']} steps"
            if reached[kind.metric] < bar[kind.metric] - 0.02:
                failures.append(f"{name}: init is more than two points below the recipe")
        print(line, flush=True)
        if given.record:
            given.record.write_text(json.dumps(record, indent=1) + "\n")
    print("\n".join(failures) if failures else "the first hour is as it should be")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
