#!/usr/bin/env python3
"""Every command and configuration that README.md and docs/*.md show is run, on small data: docs_test.py
PROGRAM MPIRUN"""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

from pages import Block, blocks, commands, pages
from stage import Stage

PROGRAM, MPIRUN = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
OURS = re.compile(r"^(mpirun .*)?(build/)?lodestone ")
# What no test of a page can do, and why.
ELSEWHERE = [
    (r"^\./dev |^build/lodestone \.\.\.", "installs and builds; CI's own way here"),
    (r"^(bash|python3) bench/", "measures for minutes; tests/commands/bench_test.cpp runs what they are made "
     "of"),
    (r"^(ctest|cmake|compare/compare|own_loss/own_loss|clang|\./build|build/tests)",
     "builds or tests; the installed example: tests/checks"),
    (r"^prometheus ", "tests/monitoring/live_test.py"),
    (r"^LD_PRELOAD=/path/to/liblodestone_loopback|^ss ", "what listens: tests/commands/supervised_test.cpp"),
    (r"^(curl|\{|-d |sudo|kubectl|sbatch|scancel|squeue|scontrol|ssh|kill|deploy/|docker|openssl|htpasswd|cp "
     r"|mkdir |export )",
     "needs a service or a cluster; tests/serve, tests/deploy"),
    (r"plan configs/(imagenet|clip)", "takes minutes: steps of ResNet-50"),
    (r"loss\.name=square", "square is the loss that the reader writes"),
    (r"/path/to/omniglot|minilm|CLINC", "needs data that the reader supplies"),
]


def free_port():
    """One that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# A page speaks of machines and sizes that a test has not.
SMALLER = [
    (r"mpirun -n \d+( --hostfile \S+)?", f"{MPIRUN} -n 2"), (r"launch -n \d+", "launch -n 2"),
           (r"4096,32768", "256"), (r"--ranks 8", "--ranks 2"),
    (r"/shared/runs", "shared/runs"), (r"/somewhere", "shared"), (r"/var/lib/lodestone/targets/", "shared/"),
    (r"\bCONFIG\b", "configs/typefaces.yaml"), (r"run\.yaml", "configs/typefaces.yaml"), (r"sentencepiece "
                                                                                          r"--vocabulary "
                                                                                          r"8000",
                                                                                          "sentencepiece "
                                                                                          "--vocabulary 38"),
           (r"--vocabulary 8000", "--vocabulary 200"),
    (r"--minutes \d+", "--minutes 0.02"), (r"--count 2000", "--count 100"),
    (r"metrics\.port=\d+", f"metrics.port={free_port()}"), (r"0\.0\.0\.0", "127.0.0.1"),
]


def elsewhere(command: str) -> bool:
    return any(re.search(pattern, command) for pattern, _ in ELSEWHERE)


def smaller(command: str) -> str:
    for pattern, value in SMALLER:
        command = re.sub(pattern, value, command)
    return command


class Docs(unittest.TestCase):
    """One stage for all pages, since a page's commands go on from each other's files."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.owner = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.owner.name)
        path = f"{folder / 'build'}:{os.environ['PATH']}"
        cls.stage = Stage(folder, PROGRAM, os.environ | {"PATH": path})

    @classmethod
    def tearDownClass(cls) -> None:
        cls.owner.cleanup()

    def test_commands(self) -> None:
        ran = 0
        for page in pages():
            for block in blocks(page):
                # which needs Python's libraries: tests/tools/bring_a_model_test.py
                if block.language or page.name == "bring-a-model.md":
                    continue
                for command in commands(block):
                    with self.subTest(page=block.page, line=block.line, command=command):
                        ran += self.try_command(command)
        self.assertGreater(ran, 25, "the pages' commands were not found")

    def try_command(self, command: str) -> int:
        if elsewhere(command):
            return 0
        self.assertRegex(command, OURS, "neither a command of ours nor listed as one that is tried elsewhere")
        if " serve " in command:
            self.serve(smaller(command))
        else:
            self.stage.run(smaller(command))
        return 1

    def serve(self, command: str) -> None:
        """Starts, answers, and ends by TERM."""
        command = re.sub(r" --port \d+", "", command) + " --port 0"
        service = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=self.stage.folder,
                                   env=self.stage.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            address = next(found.group() for line in service.stdout
                           if (found := re.search(r"https?://[\d.:]+", line)))
            with urllib.request.urlopen(f"{address}/healthz", timeout=30) as answer:
                self.assertEqual(answer.status, 200)
            service.send_signal(signal.SIGTERM)
            service.communicate(timeout=30)
            self.assertEqual(service.returncode, 0)
        finally:
            service.kill()
            service.communicate()

    def test_configurations(self) -> None:
        read = 0
        for page in pages():
            for block in blocks(page):
                if block.language == "yaml":
                    with self.subTest(page=block.page, line=block.line):
                        read += self.try_configuration(block)
        self.assertGreater(read, 4)

    def try_configuration(self, block: Block) -> int:
        if re.search(r"^(apiVersion|groups|scrape_configs|- )", block.text, re.MULTILINE):
            return 0  # of Kubernetes or Prometheus: tests/deploy, tests/monitoring
        (self.stage.folder / "block.yaml").write_text(block.text + "\n", encoding="utf-8")
        self.stage.run("lodestone config block.yaml")
        return 1


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
