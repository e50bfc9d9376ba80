#!/usr/bin/env python3
"""checkov finds nothing in the pods of deploy/kubernetes but what deploy/kubernetes/checkov.yaml explains:
checkov_test.py

Pods of custom resources are handed to it as the Pods that they become, since it knows Kubernetes' own kinds
alone. Exit code 77 (skipped) without kubectl or a Python with checkov (300 MB), which LODESTONE_PEERS_PYTHON
names.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import peers_python  # noqa: E402

if not shutil.which("kubectl"):
    print("skipped: no kubectl, which renders deploy/kubernetes")
    sys.exit(77)
peers_python.enter(["checkov", "yaml"])

import yaml  # noqa: E402
from rendering import FOLDER, RENDERED, render  # noqa: E402

CONFIG = FOLDER / "checkov.yaml"
CORE = ("ServiceAccount", "PersistentVolumeClaim", "PodDisruptionBudget", "NetworkPolicy", "Namespace")


def pod_templates(node):
    if isinstance(node, dict):
        if "containers" in node.get("spec", {}):
            yield node
        for value in node.values():
            yield from pod_templates(value)
    elif isinstance(node, list):
        for value in node:
            yield from pod_templates(value)


def objects():
    for name in RENDERED:
        for manifest in render(name):
            if manifest["kind"] in CORE:
                yield manifest
            for number, template in enumerate(pod_templates(manifest)):
                yield {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "spec": template["spec"],
                    "metadata": {
                        **template["metadata"],
                        "namespace": "lodestone",
                        "name": f"{pathlib.Path(name).name}-{manifest['kind'].lower()}-{number}",
                    },
                }


def checkov(config):
    """checkov's report over all objects, with a configuration's text."""
    with tempfile.TemporaryDirectory() as folder:
        rendered, settings = pathlib.Path(folder, "objects.yaml"), pathlib.Path(folder, "checkov.yaml")
        rendered.write_text("---\n".join(yaml.safe_dump(each) for each in objects()))
        settings.write_text(config)
        done = subprocess.run([sys.executable, "-m", "checkov.main", "--config-file", settings,
                               "--skip-download", "-o", "json",
                               "-f", rendered], capture_output=True, text=True, timeout=250)
    return json.loads(done.stdout)


class Checkov(unittest.TestCase):
    def test_finds_what_is_explained_and_nothing_else(self):
        excused = set(yaml.safe_load(CONFIG.read_text())["skip-check"])
        report = checkov(re.sub(r"skip-check:.*", "", CONFIG.read_text(), flags=re.S))
        failed = {check["check_id"] for check in report["results"]["failed_checks"]}
        print(report["summary"], sorted(failed))
        self.assertEqual(failed, excused)
        self.assertGreater(report["summary"]["passed"], 1000)


if __name__ == "__main__":
    unittest.main()
