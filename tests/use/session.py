"""Commands of a user in a folder, each of which must succeed, say nothing unknown and leave what it
promises."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import time
import urllib.request
from dataclasses import dataclass

TIME = r"\d{4}-\d\d-\d\dT[\d:.]+[+\-]\d\d:\d\d"
EXPECTED = re.compile(rf"^({TIME} info .*|fewer than the \d+ requested tokens: .*)?$")
# Warnings that are right for these data.
KNOWN_WARNINGS = [
    r"^typefaces: \d+ families are not installed",
    # The list of pairs lies beside the class folders.
    r"^(evaluate\.data|evaluation): left out 1 file with .* \(\*\.tsv\); the first: pairs\.tsv$",
]


class CommandFailed(AssertionError):
    """A command ended with another exit code than 0."""


@dataclass
class Done:
    seconds: float
    stdout: str
    stderr: str


class Service:
    """A running `lodestone serve`."""

    def __init__(self, address):
        self.address = address

    def search(self, body):
        request = urllib.request.Request(f"{self.address}/search", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


class Session:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name):
        return self.folder / name

    def clear(self, name):
        """Removes what an earlier session made of a kind of data."""
        for path in [
            *self.folder.glob(f"runs/{name}"),
            *self.folder.glob(f"runs/{name}-recipe*"),
            *self.folder.glob(f"{name}.*"),
            *self.folder.glob(f"{name}-*.html"),
            *self.folder.glob("*/pairs.tsv"),
        ]:  # lists beside class folders are reported
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def expect(self, holds, message):
        if not holds:
            raise AssertionError(message)

    def run(self, *words, strict=True, timeout=3600):
        """Runs the program with these words in the folder. `strict`: stderr must hold nothing unknown."""
        command = [str(self.program), *(str(word) for word in words)]
        begin = time.monotonic()
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=timeout,
                              check=False)
        said = " ".join(command[1:])
        if done.returncode != 0:
            raise CommandFailed(f"{said}\nexit code {done.returncode}\n{done.stdout[-1500:]}\n"
                                f"{done.stderr[-1500:]}")
        if strict:
            self.check_stderr(said, done.stderr)
        return Done(time.monotonic() - begin, done.stdout, done.stderr)

    def check_stderr(self, said, stderr):
        for line in stderr.splitlines():
            warning = re.match(rf"{TIME} warning (.*)", line)
            known = any(re.search(
                pattern, warning[1]) for pattern in KNOWN_WARNINGS) if warning else EXPECTED.match(line)
            self.expect(known, f"{said}\nstderr has an unknown line: {line}")

    def holds(self, name, *words):
        """The file exists and has these words."""
        text = self.path(name).read_text(encoding="utf-8")
        for word in words:
            self.expect(word in text, f"{name} does not hold {word!r}")

    def holds_one(self, name, words):
        """The file has one of these words."""
        text = self.path(name).read_text(encoding="utf-8")
        self.expect(any(word in text for word in words), f"{name} holds none of {words[:3]} …")

    def json(self, name):
        return json.loads(self.path(name).read_text(encoding="utf-8"))

    def size(self, name):
        return self.path(name).stat().st_size

    def rows(self, name):
        """The rows beside embeddings, whose number and length the file itself must have."""
        with self.path(name).open("rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
            count, width = header["embeddings"]["shape"]
            first = struct.unpack(f"<{width}f", file.read(4 * width))
        self.expect(abs(sum(x * x for x in first) - 1) < 1e-3,
                    f"the first row of {name} is not of unit length")
        rows = [json.loads(line) for line in self.path(name + ".rows.jsonl").read_text(
            encoding="utf-8").splitlines()]
        self.expect(len(rows) == count, f"{name} has {count} rows, {name}.rows.jsonl {len(rows)}")
        return rows

    def train_lines(self, run):
        lines = map(json.loads, self.path(f"{run}/metrics.jsonl").read_text(encoding="utf-8").splitlines())
        return [line for line in lines if line["kind"] == "train"]

    def last_step(self, run):
        return self.train_lines(run)[-1]["step"]

    def step_seconds(self, run):
        """Seconds of a step, the first few left out."""
        seconds = sorted(line["step_seconds"] for line in self.train_lines(run)[5:])
        return seconds[len(seconds) // 2]

    @contextlib.contextmanager
    def served(self, *words):
        """`lodestone serve`, ended by TERM, after which it must end with 0."""
        service = subprocess.Popen([self.program, "serve", *words, "--port", "0"], cwd=self.folder,
                                   stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        try:
            line = service.stdout.readline()
            address = re.search(r"https?://[\d.:]+", line)
            self.expect(address, f"serve gives no address: {line}{'' if address else service.stderr.read()}")
            yield Service(address.group())
            service.terminate()
            _, stderr = service.communicate(timeout=60)
            self.expect(service.returncode == 0, f"serve ended with {service.returncode}\n{stderr}")
            self.check_stderr("serve", stderr)
        finally:
            service.kill()
            service.communicate()
