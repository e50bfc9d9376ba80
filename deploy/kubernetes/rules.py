#!/usr/bin/env python3
"""Writes base/prometheusrule.yaml from deploy/prometheus/rules.yaml, which stays the one source. Run it after
a change there."""
import pathlib
import textwrap

HERE = pathlib.Path(__file__).resolve().parent
RULES = HERE.parent / "prometheus/rules.yaml"
OUTPUT = HERE / "base/prometheusrule.yaml"
HEAD = """# Written by deploy/kubernetes/rules.py from deploy/prometheus/rules.yaml: change that one.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: lodestone
spec:
"""


def rendered() -> str:
    return HEAD + textwrap.indent(RULES.read_text(encoding="utf-8"), "  ", lambda line: line.strip() != "")


if __name__ == "__main__":
    OUTPUT.write_text(rendered(), encoding="utf-8")
