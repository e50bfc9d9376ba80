#!/usr/bin/env python3
"""The recipes of docs/extend.md, performed on a copy of the sources: recipes.py BUILD

A recipe's code blocks are its steps. A block of cpp whose first line is `// PATH` is a new file. A block of
diff begins with `--- PATH`; it finds the lines that begin with a space in the file, one after the other, and
adds those that begin with + behind them. What the steps changed is compiled as BUILD compiles its neighbours,
and linked in front of BUILD's libraries."""
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(sys.argv[1]).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("common", "distributed", "sampler", "trainer", "tests")


def blocks(heading: str) -> list[tuple[str, str]]:
    """The language and text of each code block below a heading of the page."""
    page = (ROOT / "docs/extend.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", page, re.M | re.S)
    assert section, f"docs/extend.md: no section {heading}"
    return re.findall(r"^```(cpp|diff)\n(.*?)^```$", section[1], re.M | re.S)


def patched(text: str, steps: list[str], where: str) -> str:
    """`text` with the added lines of a block of diff."""
    lines, at = text.splitlines(), 0
    for step in steps:
        if step.startswith("+"):
            lines.insert(at, step[1:])
        else:
            assert step[1:] in lines[
                at:], f"{where}: the recipe looks for a line that is not there: {step[1:]}"
            at = lines.index(step[1:], at)
        at += 1
    return "\n".join(lines) + "\n"


def run(command, **options) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    assert done.returncode == 0, f"{command}: ended with {done.returncode}\n{done.stdout}"
    return done.stdout


class Copy:
    """A copy of the sources in which a recipe's steps were done."""

    def __init__(self, folder: pathlib.Path, heading: str) -> None:
        self.folder, self.changed = folder, set()
        self.replaced = []  # objects of BUILD
        for name in FOLDERS:
            shutil.copytree(ROOT / name, folder / name)
        for language, text in blocks(heading):
            first, *rest = text.splitlines()
            named = re.match(r"// (\S+\.cpp)$" if language == "cpp" else r"--- (\S+)$", first)
            if not named:
                continue  # an illustration
            path = folder / named[1]
            if language == "cpp":
                assert not path.exists(), f"{path}: the recipe's new file exists already"
                path.write_text("\n".join(rest) + "\n", encoding="utf-8")
            else:
                path.write_text(patched(path.read_text(encoding="utf-8"), rest, named[1]), encoding="utf-8")
            self.changed.add(named[1])
        self.entries = {entry["file"]:
                        entry for entry in json.loads((BUILD / "compile_commands.json").read_text())}
        self.objects = [self.compiled(path) for path in sorted(self.changed) if path.endswith(".cpp")]

    def compiled(self, path: str) -> pathlib.Path:
        known = str(ROOT / path)
        if known not in self.entries:
            name = pathlib.Path(path).name
            lists = [folder / "CMakeLists.txt" for folder in (self.folder / path).parents
                     if (folder / "CMakeLists.txt").exists()]
            assert any(name in re.split(
                r"[\s/)]+", one.read_text()) for one in lists), f"{path}: no CMakeLists.txt names it"
            known = min(file for file in self.entries if pathlib.Path(file).parent == ROOT
                        / pathlib.Path(path).parent)
        made = self.folder / (path + ".o")
        words = shlex.split(self.entries[known]["command"])
        if known == str(ROOT / path):
            self.replaced.append(words[words.index("-o") + 1])
        words[words.index("-o") + 1] = str(made)
        words[words.index(known)] = str(self.folder / path)
        here = {f"-I{ROOT}": f"-I{self.folder}", f"-I{ROOT / 'tests'}": f"-I{self.folder / 'tests'}"}
        run([here.get(word, word) for word in words], cwd=self.entries[known]["directory"])
        return made

    def linked(self, target: str) -> pathlib.Path:
        """The target with what was compiled here in place of the same names in the libraries."""
        *_, link = run(["ninja", "-C", str(BUILD), "-t", "commands", target]).strip().splitlines()
        made = self.folder / pathlib.Path(target).name
        tests = self.folder / "tests"
        own = " ".join(shlex.quote(str(path)) for path in self.objects if target.startswith("tests/")
                       or tests not in path.parents)
        for old in self.replaced:
            link = link.replace(f" {old} ", " ")
        link, found = re.subn(r" -o \S+ ", f" -o {shlex.quote(str(made))} {own} ", link, count=1)
        assert found, f"{target}: expected a link command, got {link}"
        run(link, shell=True, cwd=BUILD)
        return made


class Recipes(unittest.TestCase):
    def setUp(self) -> None:
        owner = tempfile.TemporaryDirectory()
        self.addCleanup(owner.cleanup)
        self.folder = pathlib.Path(owner.name)

    def copy(self, heading: str) -> Copy:
        return Copy(self.folder / "copy", heading)

    def config(self, text: str) -> str:
        path = self.folder / "run.yaml"
        path.write_text(text)
        return str(path)

    def test_loss(self) -> None:
        copy = self.copy("A loss")
        program = copy.linked("lodestone")
        self.assertIn('name: "square"', run([program, "config", "--reference"]))
        for target in ("losses_test", "loss_oracle_test"):
            output = run([copy.linked(f"tests/losses/{target}")])
            self.assertIn("Square.SimilaritiesTowardsOneOrZero", output)

    def test_metric(self) -> None:
        copy = self.copy("A metric")
        run([copy.linked("tests/eval/eval_test"), "--gtest_filter=*Retrieval*"])
        program, pictures = copy.linked("lodestone"), self.folder / "pictures"
        for label in range(4):
            (pictures / str(label)).mkdir(parents=True)
            for one in range(4):
                row = f"{60 * label + 5 * one} 0 255 0\n"
                (pictures / f"{label}/{one}.pgm").write_text("P2\n4 4\n255\n" + 4 * row)
        config = self.config(f"run_dir: {self.folder}/run\nglobal_batch: 8\nencoder: {{name: mlp, embedding: "
                             f"4}}\n"
                             f"data: {{train: {{path: {pictures}}}, image: {{width: 4, height: 4}}}}\n"
                             f"sampler: {{name: pk, samples_per_class: 2}}\nschedule: {{steps: 1, "
                             f"warmup_steps: 0}}\n"
                             f"evaluate: {{data: {{path: {pictures}}}}}\n")
        run([program, "train", config])
        run([program, "evaluate", self.folder / "run", "--json", self.folder / "metrics.json"])
        self.assertIn('"precision_at_5"', (self.folder / "metrics.json").read_text())

    def test_verb(self) -> None:
        program = self.copy("A verb").linked("lodestone")
        config = self.config("encoder: {name: mlp, embedding: 12}\ndata: {image: {width: 8, height: 8}}\n")
        self.assertEqual(run([program, "width", config]), "12\n")
        self.assertIn("width", run([program, "--help"]))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
