#!/usr/bin/env python3
"""Rules and alerts by promtool: they parse, each alert has a run in which it fires and one in which it stays
silent, and docs/monitoring.md says what to do about it. usage: rules_test.py PROMTOOL"""
import pathlib
import re
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RULES = ROOT / "deploy/prometheus/rules.yaml"
TESTS = HERE / "rules_test.yaml"
PROMTOOL = "promtool"


def alerts():
    """name -> the text of its rule."""
    parts = re.split(r"^ +- alert: (\w+)\n", RULES.read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


class Rules(unittest.TestCase):
    def promtool(self, *arguments):
        done = subprocess.run([PROMTOOL, *map(str, arguments)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_rules_and_the_example_parse(self):
        self.promtool("check", "rules", RULES)
        self.promtool("check", "config", "--syntax-only", ROOT / "deploy/prometheus/prometheus.yaml")

    def test_alerts_fire_and_stay_silent(self):
        self.promtool("test", "rules", TESTS)

    def test_every_alert_has_both(self):
        names = re.findall(r"^  - name: (\w+ \w+)$", TESTS.read_text(), flags=re.M)
        self.assertEqual(sorted(names),
                         sorted(f"{alert} {what}" for alert in alerts() for what in ("fires", "silent")))

    def test_every_alert_says_what_to_do(self):
        headings = re.findall(r"^### (\w+)$", (ROOT / "docs/monitoring.md").read_text(), flags=re.M)
        self.assertEqual(headings, list(alerts()))
        for name, rule in alerts().items():
            self.assertIn(f"runbook: docs/monitoring.md#{name.lower()}\n", rule)
            for word in ("severity: ", "summary: ", "description: "):
                self.assertIn(word, rule, name)


if __name__ == "__main__":
    PROMTOOL = sys.argv.pop(1) if len(sys.argv) > 1 else PROMTOOL
    unittest.main()
