#!/usr/bin/env python3
"""The committed dashboard is what its generator writes, and Grafana can lay it out.

usage: dashboard_test.py"""
import importlib.util
import json
import pathlib
import re
import unittest

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "deploy/grafana"
COMMITTED = FOLDER / "lodestone.json"
VALUES = {"$namespace": ".*", "$run": ".*", "$rank": ".*", "$__rate_interval": "1m"}


def panels():
    return json.loads(COMMITTED.read_text())["panels"]


def expressions():
    """Every expression of a panel."""
    return [target["expr"] for panel in panels() for target in panel.get("targets", [])]


def with_values(expression):
    """As Grafana sends it, with everything selected."""
    for name, value in VALUES.items():
        expression = expression.replace(name, value)
    return expression


class Dashboard(unittest.TestCase):
    def test_the_generator_writes_what_is_committed(self):
        spec = importlib.util.spec_from_file_location("dashboard", FOLDER / "dashboard.py")
        generator = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(generator)
        self.assertEqual(generator.text(), COMMITTED.read_text(), "run deploy/grafana/dashboard.py")

    def test_panels_lie_beside_each_other(self):
        cells = set()
        for panel in panels():
            at = panel["gridPos"]
            own = {(x, y) for x in range(at["x"], at["x"]
                                         + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(own & cells, panel["title"])
            self.assertLessEqual(at["x"] + at["w"], 24)
            cells |= own

    def test_ids_differ_and_variables_are_declared(self):
        board = json.loads(COMMITTED.read_text())
        self.assertEqual(len({panel["id"] for panel in board["panels"]}), len(board["panels"]))
        declared = {"$" + variable["name"] for variable in board["templating"]["list"]}
        self.assertEqual(declared, {"$datasource", "$namespace", "$run", "$rank"})
        used = set(re.findall(r"\$\w+", "\n".join(expressions()))) - {"$1"}
        self.assertLessEqual(used, declared | {"$__rate_interval"})
        for panel in board["panels"]:
            if panel["type"] != "row":
                self.assertEqual(panel["datasource"]["uid"], "${datasource}")


if __name__ == "__main__":
    unittest.main()
