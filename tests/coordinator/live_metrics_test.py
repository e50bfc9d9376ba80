#!/usr/bin/env python3
"""What a run of two ranks says to Prometheus and to whoever asks for a checkpoint.

usage: live_metrics_test.py LODESTONE MPIRUN

Real values in series that stay the same, those that docs/metrics.md lists, and nothing for who lacks the
password.
Where promtool is installed it judges them.
"""
import base64
import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.error

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import small_run  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSWORD = {"Authorization": "Basic " + base64.b64encode(b"ali:open sesame").decode()}
STOPPED = 75
# What has no value in this run: it saves nothing before it is asked, has no memory, its precision needs no
# scale, and its data are images of classes.
ABSENT = {"lodestone_loss_scale", "lodestone_memory_age_mean", "lodestone_memory_age_max",
          "lodestone_checkpoint_interval_seconds",
          "lodestone_spearman", "lodestone_triplet_accuracy", "lodestone_image_to_text_recall_at_1",
          "lodestone_text_to_image_recall_at_1"}
LODESTONE, MPIRUN = "lodestone", "mpirun"


def series(text):
    """Of a page of metrics: series -> value."""
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line
            and line[0] != "#"}


def documented():
    """Names that docs/metrics.md lists: of every rank, of rank 0 alone."""
    sections = re.split(r"\n### ", (ROOT / "docs/metrics.md").read_text())
    return [set(re.findall(r"^\| `((?:lodestone|process)_\w+)` \|", section,
                           re.MULTILINE)) for section in sections[1:3]]


class LiveMetrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        (folder / "password").write_text("open sesame\n")
        cls.run_ = cls.enterClassContext(
            small_run.Run(
                folder,
                LODESTONE,
                MPIRUN,
                settings=[
                    "checkpoint.every_steps=0",
                    "evaluate.every=100",
                    "evaluate.data.path=pictures",
                    "evaluate.floor=false",
                    "metrics.user=ali",
                    f"metrics.password_file={folder}/password",
                ],
            )
        )
        cls.run_.wait_for_steps()
        small_run.until(60, "an evaluation", lambda: math.isfinite(cls.values()["lodestone_recall_at_1"]))

    @classmethod
    def text(cls, rank=0):
        return cls.run_.ask("/metrics", rank, headers=PASSWORD)

    @classmethod
    def values(cls, rank=0):
        return series(cls.text(rank))

    def test_1_the_documentation_lists_what_is_exported(self):
        of_every_rank, of_rank_0 = documented()
        exported = [set(re.findall(r"^# TYPE (\w+) ", self.text(rank), re.MULTILINE)) for rank in range(2)]
        self.assertEqual(exported[1], of_every_rank)
        self.assertEqual(exported[0], of_every_rank | of_rank_0)

    def test_2_series_are_few_and_stay_the_same_while_values_change(self):
        first = [self.values(rank) for rank in range(2)]
        self.assertLessEqual(len(first[0]), 300)
        self.assertLessEqual(len(first[1]), 150)
        self.assertEqual(self.run_.ask("/checkpoint", 0, "POST", PASSWORD),
                         "a checkpoint is saved after the current step\n")
        small_run.until(60, "a checkpoint", lambda: self.values()["lodestone_checkpoint_size_bytes"] > 0)
        small_run.until(60, "steps", lambda: self.values(1)["lodestone_steps_total"]
                        > first[1]["lodestone_steps_total"] + 50)
        later = [self.values(rank) for rank in range(2)]
        self.assertEqual([set(one) for one in later], [set(one) for one in first])
        self.assertEqual({name for name, value in later[0].items() if not math.isfinite(value)} - ABSENT,
                         set())

    def test_3_values_are_those_of_this_run(self):
        expected = {"lodestone_world_size": 2, "lodestone_ranks_reporting": 2, "lodestone_restarts_total": 0,
                    "lodestone_generation": 0,
                    "lodestone_checkpoint_attempts_total": 1, "lodestone_checkpoint_failures_total": 0}
        lead = self.values()
        self.assertEqual({name: lead[name] for name in expected}, expected)
        self.assertGreater(lead["lodestone_checkpoint_stall_seconds_total"], 0)
        self.assertGreater(lead["lodestone_checkpoint_duration_seconds"], 0)
        for rank in range(2):
            values = self.values(rank)
            for verb in ("all_gather", "all_reduce", "gradient_sync"):
                for what in ("calls_total", "sent_bytes_total", "seconds_total"):
                    self.assertGreater(values[f'lodestone_collective_{what}{{verb="{verb}"}}'], 0)
            self.assertGreater(values["lodestone_data_wait_seconds_total"], 0)
            self.assertGreater(values['lodestone_step_duration_seconds_count{phase="backward"}'], 0)
            self.assertTrue(0 < values["lodestone_goodput_ratio"] <= 1, values["lodestone_goodput_ratio"])

    def test_4_who_lacks_the_password_learns_nothing(self):
        for method, path, headers, code in (("GET", "/metrics", {}, 401), ("GET", "/run.json", {}, 401),
                                            ("POST", "/checkpoint", {}, 401),
                                            ("GET", "/../run.yaml", PASSWORD, 404),
                                            ("GET", "/checkpoint", PASSWORD, 405),
                                            ("POST", "/checkpoint",
                                             {**PASSWORD, "Origin": "http://elsewhere.example"}, 403)):
            with self.assertRaises(urllib.error.HTTPError, msg=path) as refused:
                self.run_.ask(path, 0, method, headers)
            self.assertEqual(refused.exception.code, code, (method, path))
        self.assertNotIn("sesame", self.run_.ask("/run.json", headers=PASSWORD))

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_5_promtool_finds_nothing(self):
        for rank in range(2):
            evaluated = subprocess.run(["promtool", "check", "metrics"], input=self.text(rank), text=True,
                                       capture_output=True, timeout=60)
            self.assertEqual((evaluated.returncode, evaluated.stdout + evaluated.stderr), (0, ""))

    def test_6_it_ends_when_asked(self):
        self.assertEqual(self.run_.stop(), STOPPED)


if __name__ == "__main__":
    LODESTONE, MPIRUN = sys.argv[1:3]
    del sys.argv[1:3]
    unittest.main()
