#!/usr/bin/env python3
"""A real Prometheus scrapes a real run of two ranks: it finds the ranks by the file that the run writes,
every metric that rules and dashboard name is there, and when a rank is stopped the alert fires.

usage: live_test.py LODESTONE MPIRUN PROMETHEUS"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import dashboard_test
from rules_test import RULES, alerts

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import small_run  # noqa: E402
from prometheus import Prometheus  # noqa: E402

LODESTONE, MPIRUN, PROMETHEUS = "lodestone", "mpirun", "prometheus"


def quick_rules(folder):
    """The rules, with alerts that wait a second where they wait minutes."""
    file = pathlib.Path(folder) / "rules.yaml"
    file.write_text(re.sub(r"\bfor: \w+", "for: 1s", RULES.read_text()))
    return file


def exported(text):
    """Names of the metrics of a /metrics page."""
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}


def named(text):
    """Metrics of ours that an expression names, without what a histogram's series add and without recorded
    ones."""
    return {re.sub(r"_(bucket|sum|count)$", "",
                   name) for name in re.findall(r"(?<![\w:])lodestone_\w+", text)}


def records():
    """Names of the recorded series."""
    return set(re.findall(r"record: (\S+)", RULES.read_text()))


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.run_ = cls.enterClassContext(small_run.Run(cls.folder, LODESTONE, MPIRUN))
        cls.run_.wait_for_steps()
        cls.prometheus = cls.enterClassContext(
            Prometheus(cls.folder, PROMETHEUS, f"{cls.folder}/targets", quick_rules(cls.folder)))
        cls.prometheus.wait_until_up()
        small_run.until(30, "both ranks are scraped", lambda: len(cls.prometheus.query("up == 1")) == 2)

    def test_1_ranks_are_found_by_their_file(self):
        up = {labels["rank"]: labels for labels, _ in self.prometheus.query("up")}
        self.assertEqual(sorted(up), ["0", "1"])
        self.assertEqual({labels["run"] for labels in up.values()}, {"run"})
        self.assertEqual(up["1"]["instance"], f"127.0.0.1:{self.run_.port + 1}")

    def test_2_rules_name_only_what_is_exported(self):
        rules = "\n".join(re.findall(r"expr: (.*?)\n +(?:- |for|labels)", RULES.read_text(), re.S))
        self.assertEqual(named(rules) - exported(self.run_.metrics()), set())

    def test_2_dashboard_names_only_what_is_exported_or_recorded_and_parses(self):
        expressions = dashboard_test.expressions()
        self.assertGreater(len(expressions), 60)
        everything = "\n".join(expressions)
        self.assertEqual(named(everything) - exported(self.run_.metrics()), set())
        self.assertEqual(set(re.findall(r"\w+:lodestone_[\w:]+", everything)) - records(), set())
        for expression in expressions:
            self.prometheus.query(dashboard_test.with_values(expression))

    def test_3_recorded_series_get_values_and_no_rule_fails(self):
        missing = records()
        self.assertGreater(len(missing), 10)

        def recorded():
            missing.difference_update([name for name in missing if self.prometheus.query(name)])
            return not missing
        small_run.until(20, f"values of {missing}", recorded)
        for group in self.prometheus.ask("rules")["groups"]:
            for rule in group["rules"]:
                self.assertEqual(rule["health"], "ok", rule)

    def test_4_a_stopped_rank_is_reported_and_named(self):
        about_ranks = {"LodestoneRankMissing", "LodestoneRunDown", "LodestoneRunStalled"}
        self.assertLessEqual(about_ranks, set(alerts()))
        self.assertFalse(about_ranks & {alert["alertname"] for alert in self.prometheus.firing()})
        os.kill(self.run_.process_of(1), signal.SIGSTOP)
        missing = small_run.until(30, "the alert fires", lambda: [
            alert for alert in self.prometheus.firing() if alert["alertname"] == "LodestoneRankMissing"])
        self.assertEqual([alert.get("rank") for alert in missing], ["1"])
        self.assertNotIn("LodestoneRunDown", {alert["alertname"] for alert in self.prometheus.firing()})


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class Secret(unittest.TestCase):
    def test_ranks_are_scraped_by_https_with_a_password(self):
        with tempfile.TemporaryDirectory() as folder:
            key, chain, both = (pathlib.Path(folder, name) for name in ("key.pem", "chain.pem", "server.pem"))
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                            "/CN=localhost", "-addext",
                            "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", chain], check=True,
                           capture_output=True)
            both.write_bytes(key.read_bytes() + chain.read_bytes())
            pathlib.Path(folder, "password").write_text("open sesame\n")
            job = {"basic_auth": {"username": "ali", "password": "open sesame"},
                   "tls_config": {"ca_file": str(chain)}}
            settings = [f"metrics.certificate={both}", "metrics.user=ali",
                        f"metrics.password_file={folder}/password"]
            with small_run.Run(folder, LODESTONE, MPIRUN, settings=settings) as run, \
                    Prometheus(folder, PROMETHEUS, f"{folder}/targets", RULES, job) as prometheus:
                prometheus.wait_until_up()
                small_run.until(60, "both ranks are scraped",
                                lambda: run.alive() and len(prometheus.query("lodestone_steps_total > 0"))
                                == 2)
                self.assertEqual({labels["instance"] for labels, _ in prometheus.query("up == 1")},
                                 {f"127.0.0.1:{run.port + rank}" for rank in range(2)})
                targets = prometheus.ask("targets", state="active")["activeTargets"]
                self.assertEqual({target["scrapeUrl"].partition(":")[0] for target in targets}, {"https"})


class Ended(unittest.TestCase):
    def test_a_run_that_ends_well_leaves_the_list_of_targets(self):
        with tempfile.TemporaryDirectory() as folder, small_run.Run(folder, LODESTONE, MPIRUN, ranks=1,
                                                                    steps=3) as run:
            self.assertEqual(run.process.wait(timeout=60), 0, run.log.read_text())
            self.assertEqual(list(pathlib.Path(folder, "targets").iterdir()), [])


if __name__ == "__main__":
    LODESTONE, MPIRUN, PROMETHEUS = sys.argv[1:4]
    del sys.argv[1:4]
    unittest.main()
