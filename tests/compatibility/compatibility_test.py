#!/usr/bin/env python3
"""Does the program still read what version 0.1.0 wrote? usage: compatibility_test.py PROGRAM

0.1.0/ holds files that this version wrote, which must not be changed:
- three run folders as a kill after step 8 leaves them, with a checkpoint of step 6, and their data;
- embeddings, an index and a gallery that were made with one of them, and the answers to queries;
- configurations which together name every key. RENAMED lists keys that have another name today.
"""
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

FILES = pathlib.Path(__file__).resolve().parent / "0.1.0"
PROGRAM = None
RUNS = ("proxies", "memory", "texts")
RENAMED = {}  # old key -> new key, by their last names


def embeddings(path):
    """The numbers of a file of embeddings, row after row."""
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    begin, end = json.loads(content[8:8 + size])["embeddings"]["data_offsets"]
    return struct.unpack(f"<{(end - begin) // 4}f", content[8 + size + begin:8 + size + end])


def steps(run):
    """{step: loss} of a run's metrics."""
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return {line["step"]: line["loss"] for line in lines if line["kind"] == "train"}


def leaves(value, name=""):
    """(last name, value) of every setting of a configuration."""
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, key)]
    return [(name, value)]


def plain(value):
    """A value's JSON; 48 and 48.0 are the same."""
    return json.dumps(json.loads(json.dumps(value), parse_int=float))


def resolved(text):
    """{(last name, value)} of what `lodestone config` prints."""
    found = re.findall(r"^\s*(\w+): (\S.*)$", text, re.M)
    return {(name, plain(json.loads(value))) for name, value in found}


class Compatibility(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name) / "work"
        shutil.copytree(FILES, self.folder)

    def run_program(self, *words):
        """Runs a command, which must succeed; returns its stdout."""
        done = subprocess.run([PROGRAM, *words], cwd=self.folder, capture_output=True, text=True, timeout=120)
        said = done.stdout[-2000:] + done.stderr[-2000:]
        self.assertEqual(done.returncode, 0, f"lodestone {' '.join(words)}:\n{said}")
        self.reported = done.stderr
        return done.stdout

    def json(self, name):
        return json.loads((self.folder / name).read_text())

    def assert_close(self, got, expected, tolerance=1e-3):
        """The same structure and texts, and numbers that differ by rounding alone."""
        if isinstance(expected, dict):
            self.assertEqual(got.keys() & expected.keys(), expected.keys())
            for name, value in expected.items():
                self.assert_close(got[name], value, tolerance)
        elif isinstance(expected, list):
            self.assertEqual(len(got), len(expected))
            for one, other in zip(got, expected):
                self.assert_close(one, other, tolerance)
        elif isinstance(expected, float):
            self.assertAlmostEqual(got, expected, delta=tolerance)
        else:
            self.assertEqual(got, expected)

    def test_checkpoints_are_whole(self):
        for run in RUNS:
            printed = self.run_program("inspect", run)
            self.assertIn("step 6,", printed)
            self.assertIn("model.safetensors", printed)
            self.assertNotIn("DAMAGED", printed)

    def test_runs_are_evaluated(self):
        for run in RUNS:
            self.run_program("evaluate", run, "--json", "again.json", "--bootstrap", "0")
            expected = self.json(f"{run}/measures.json")
            expected.pop("intervals")
            self.assert_close(self.json("again.json"), expected, 0.02)

    def test_runs_resume(self):
        for run in RUNS:
            before = steps(self.folder / run)
            self.assertEqual(sorted(before), list(range(1, 9)))
            self.run_program("train", f"{run}.yaml")
            self.assertIn("step 8/8", self.reported)
            self.assertNotIn("step 1/8", self.reported)
            self.assert_close(steps(self.folder / run), before, 5e-3)
            self.assertIn("step 8,", self.run_program("inspect", run))

    def test_rows_are_embedded_and_found(self):
        self.run_program("embed", "memory", "--input", "pictures", "--output", "again.safetensors")
        self.assert_close(list(embeddings(self.folder / "again.safetensors")),
                          list(embeddings(self.folder / "gallery.safetensors")))
        self.assertEqual((self.folder / "again.safetensors.rows.jsonl").read_text(),
                         (self.folder / "gallery.safetensors.rows.jsonl").read_text())
        for more in ((), ("--index", "gallery.index")):
            self.run_program("search", "--gallery", "gallery.safetensors", "--query", "pictures/class2/1.png",
                             "--checkpoint", "memory", "-k", "3", "--json", "again.json", *more)
            self.assert_close(self.json("again.json"), self.json("search.json"), 0.02)

    def test_identities_are_known(self):
        listed = self.run_program("gallery", "list", "people.safetensors")
        self.assertEqual(listed, "person0\t4\nperson1\t4\nperson2\t4\n")
        self.run_program("identify", "--gallery", "people.safetensors", "--image", "pictures/class1/2.png",
                         "--checkpoint", "memory", "--json", "again.json")
        self.assert_close(self.json("again.json"), self.json("identify.json"))

    def test_configurations_mean_what_they_meant(self):
        lines = (FILES / "configurations.jsonl").read_text().splitlines()
        self.assertGreater(len(lines), 20)
        for line in lines:
            (self.folder / "any.yaml").write_text(line)
            printed = resolved(self.run_program("config", "any.yaml"))
            for name, value in leaves(json.loads(line)):
                self.assertIn((RENAMED.get(name, name), plain(value)), printed)


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
