#!/usr/bin/env python3
"""Every object that deploy/kubernetes renders passes strict schemas and keeps what its README promises, and
typos in it are found.

usage: kubernetes_test.py PROGRAM. Needs kubectl of 1.27 or newer and the Python packages of requirements.txt,
which ./dev test fetches (exit code 77, skipped, without). LODESTONE_CRDS may name a folder with the projects'
own CustomResourceDefinitions (*.yaml): custom resources are then checked against those as well.
"""
import copy
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/kubernetes"))
sys.path.append(os.environ.get("DEPLOY_MODULES", ""))
if not shutil.which("kubectl"):
    print("skipped: no kubectl, which renders deploy/kubernetes")
    sys.exit(77)
try:
    import jsonschema
    import kubernetes_validate
    import yaml
    from kubeflow_trainer_api import models as trainer
except ImportError as absent:
    print("skipped:", absent)
    sys.exit(77)

import rules  # noqa: E402
import schemas  # noqa: E402
from rendering import FOLDER, RENDERED, render  # noqa: E402

PROGRAM = sys.argv.pop(1)
VERSION = "1.32"
# seconds from USR1 to the end of a run of ResNet-50 on two ranks, 286 MB saved (README.md)
MEASURED_STOP = 3.7
# maps whose keys are the user's
FREE = ("labels", "annotations", "matchLabels", "data", "requests", "limits")
DEFINITIONS = schemas.definitions(os.environ["LODESTONE_CRDS"],
                                  yaml) if "LODESTONE_CRDS" in os.environ else {}


# What the API server accepts beyond the published schemas, which have these as free text.
VALUES = {"imagePullPolicy": ("Always", "IfNotPresent", "Never"),
          "restartPolicy": ("Always", "OnFailure", "Never"),
          "whenUnsatisfiable": ("ScheduleAnyway", "DoNotSchedule"), "protocol": ("TCP", "UDP", "SCTP"),
          "fsGroupChangePolicy": ("OnRootMismatch", "Always"), "medium": ("", "Memory", "HugePages"),
          "completionMode": ("Indexed", "NonIndexed"),
          "effect": ("NoSchedule", "PreferNoSchedule", "NoExecute")}


def check_values(manifest, where):
    found = [f"{where}: {field} is {each[field]!r}" for field, values in VALUES.items() for each in find(
        manifest, field)
             if each[field] not in values]
    return found + [f"{where}: seccompProfile is {each['seccompProfile']}" for each in find(
        manifest, "seccompProfile")
                    if each["seccompProfile"].get("type") not in ("RuntimeDefault", "Localhost",
                                                                  "Unconfined")]


def check_core(manifest, where):
    try:
        kubernetes_validate.validate({"metadata": {"name": "x"}, **manifest}, VERSION, strict=True)
        return check_values(manifest, where)
    except Exception as error:  # its own types, and KeyError and the like for what is no manifest
        return [f"{where}: {str(error)[:300]}"]


def problems(manifest):
    found = schemas.problems(manifest, check_core)
    schema = DEFINITIONS.get((manifest.get("apiVersion"), manifest.get("kind")))
    if schema:
        found += [f"{error.json_path}: {error.message[:200]}" for error in jsonschema.Draft202012Validator(
            schema).iter_errors(manifest)]
    return found


def dropped(given, read, path=""):
    """Fields of `given` that `read`, what the project's own model of its API made of it, doesn't have: there
    is no such field."""
    if isinstance(given, dict):
        for key, value in given.items():
            if isinstance(read, dict) and key in read:
                yield from dropped(value, read[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(given, list):
        for i, value in enumerate(given):
            yield from dropped(value, read[i] if i < len(read) else None, f"{path}[{i}]")


def find(node, field):
    """All objects within a manifest that have this field."""
    if isinstance(node, dict):
        if field in node:
            yield node
        for value in node.values():
            yield from find(value, field)
    elif isinstance(node, list):
        for value in node:
            yield from find(value, field)


def leaves(node, path=()):
    """(path, is it a value?) of field names and of the texts that schemas limit or references bind."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield path + (key,), False
            if key not in FREE:
                yield from leaves(value, path + (key,))
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from leaves(value, path + (i,))
    elif isinstance(node, (int, bool)) or path[-1] in ("kind", "apiVersion", "restartPolicy",
                                                       "cleanPodPolicy", "imagePullPolicy",
                                                       "action", "operator", "type", "protocol",
                                                       "whenUnsatisfiable", "interval"):
        yield path, True


def typo(name, rng):
    """The name with two letters exchanged, one dropped, doubled, or its case changed."""
    i = rng.randrange(len(name) - 1)
    changed = rng.choice([name[:i] + name[i + 1] + name[i] + name[i + 2:], name[:i] + name[i + 1:],
                          name[:i] + name[i] + name[i:],
                          name[:i] + name[i].swapcase() + name[i + 1:]])
    return changed if changed != name else name + "x"


def seed(manifest, path, is_value, rng):
    """The manifest with a typo at the path."""
    manifest = copy.deepcopy(manifest)
    node = manifest
    for part in path[:-1]:
        node = node[part]
    if not is_value:
        node[typo(path[-1], rng)] = node.pop(path[-1])
    elif isinstance(node[path[-1]], str):
        node[path[-1]] = typo(node[path[-1]], rng)
    else:
        node[path[-1]] = f"{node[path[-1]]}l"  # 2l for 21, truel
    return manifest


class Kubernetes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rendered = {name: render(name) for name in RENDERED}

    def each(self, kind=None):
        return [manifest for manifests in self.rendered.values() for manifest in manifests
                if kind in (None, manifest["kind"])]

    def test_schemas_accept_every_object(self):
        for name, manifests in self.rendered.items():
            self.assertEqual([(name, each) for manifest in manifests for each in problems(manifest)], [])

    def test_trainers_own_models_know_every_field(self):
        models = {"TrainJob": trainer.TrainerV1alpha1TrainJob,
                  "TrainingRuntime": trainer.TrainerV1alpha1TrainingRuntime,
                  "JobSet": trainer.JobsetV1alpha2JobSet}
        for kind, model in models.items():
            (manifest,) = self.each(kind)
            self.assertEqual(list(dropped(manifest, model.from_dict(manifest).to_dict())), [], kind)

    def test_every_rendering_is_whole(self):
        jobs = {"MPIJob", "TrainJob", "JobSet", "PyTorchJob"}
        for name, manifests in self.rendered.items():
            kinds = [manifest["kind"] for manifest in manifests]
            self.assertEqual(len(jobs.intersection(kinds)), 1, name)
            for kind in ("Namespace", "ConfigMap", "PersistentVolumeClaim", "PodMonitor", "PrometheusRule",
                         "PodDisruptionBudget",
                         "NetworkPolicy", "ServiceAccount"):
                self.assertIn(kind, kinds, name)

    def test_pods_are_locked(self):
        for manifest in self.each():
            for pod in find(manifest, "containers"):
                user = pod["securityContext"]
                self.assertTrue(user["runAsNonRoot"] and user["runAsUser"] > 0)
                self.assertEqual(user["seccompProfile"], {"type": "RuntimeDefault"})
                self.assertIs(pod["automountServiceAccountToken"], False)
                for container in pod["containers"]:
                    locked = container["securityContext"]
                    self.assertTrue(locked["readOnlyRootFilesystem"]
                                    and locked["allowPrivilegeEscalation"] is False)
                    self.assertEqual(locked["capabilities"]["drop"], ["ALL"])
                    self.assertIn("@sha256:", container["image"])
                    amounts = container["resources"]
                    self.assertEqual(amounts["requests"]["memory"], amounts["limits"]["memory"])
                    self.assertEqual({mount["name"] for mount in container["volumeMounts"]},
                                     {volume["name"] for volume in pod["volumes"]})

    def test_workers_save_before_they_go(self):
        for manifest in self.each():
            for pod in find(manifest, "containers"):
                for container in pod["containers"]:
                    if container["command"][0] != "/usr/sbin/sshd":  # process 1 takes the signal itself
                        continue
                    program, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
                    self.assertEqual(program, "stop.sh")
                    self.assertTrue((FOLDER / program).stat().st_mode & 0o111)
                    self.assertGreaterEqual(int(seconds), 3 * MEASURED_STOP)
                    self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], int(seconds) + 30)

    def test_what_is_named_is_there(self):
        for name, manifests in self.rendered.items():
            names = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests}
            templates = [each["template"]["metadata"]["labels"] for manifest in manifests for each in find(
                manifest, "template")
                         if "labels" in each["template"].get("metadata", {})
                         and "containers" in each["template"]["spec"]]
            ports = {port["name"] for manifest in manifests for each in find(manifest, "ports")
                     if isinstance(each["ports"], list)
                     for port in each["ports"] if "name" in port}
            for manifest in manifests:
                for each in find(manifest, "configMap"):
                    self.assertIn(("ConfigMap", each["configMap"]["name"]), names, name)
                for each in find(manifest, "claimName"):
                    self.assertIn(("PersistentVolumeClaim", each["claimName"]), names, name)
                for each in find(manifest, "serviceAccountName"):
                    self.assertIn(("ServiceAccount", each["serviceAccountName"]), names, name)
                for each in find(manifest, "matchLabels"):
                    wanted = each["matchLabels"].items()
                    self.assertTrue("kubernetes.io/metadata.name" in each["matchLabels"]
                                    or any(wanted <= t.items() for t in templates),
                                    (name, each))
                if manifest["kind"] == "PodMonitor":
                    scraped = {endpoint["port"] for endpoint in manifest["spec"]["podMetricsEndpoints"]}
                    self.assertLessEqual({port for port in ports if port.startswith("metrics-")}, scraped,
                                         name)

    def test_every_rank_is_scraped_under_its_own_label(self):
        for job in self.each("MPIJob"):
            ports = {port["name"]: port["containerPort"] for each in find(job, "ports") for port in each[
                "ports"]}
            self.assertEqual({f"metrics-{i}": 9400 + i for i in range(job["spec"]["slotsPerWorker"])},
                             {name: port for name, port in ports.items() if name.startswith("metrics")})
        for monitor in self.each("PodMonitor"):
            for endpoint in monitor["spec"]["podMetricsEndpoints"]:
                rule = next(rule for rule in endpoint["relabelings"] if rule["targetLabel"] == "rank")
                self.assertEqual(rule["replacement"], "$1.$2")
                for pod, label in (("lodestone-worker-1", "worker-1.0"),
                                   ("lodestone-rank-0-3-x7f2q", "rank-0-3.0"),
                                   ("lodestone-node-0-1-abcde", "node-0-1.0"),
                                   ("lodestone-master-0", "master-0.0")):
                    found = re.fullmatch(rule["regex"], f"{pod};metrics-0")
                    self.assertEqual(f"{found[1]}.{found[2]}", label)

    def test_exit_codes_are_those_of_the_handbook(self):
        table = dict(re.findall(r"^\| (\d+) \| ([^|]+) \|", (ROOT / "docs/errors.md").read_text(), re.M))
        seen = 0
        for manifest in self.each():
            for job in find(manifest, "podFailurePolicy"):
                actions = {code: rule["action"] for rule in job["podFailurePolicy"]["rules"]
                           for code in rule.get("onExitCodes", {}).get("values", [])}
                self.assertEqual(actions, {2: "FailJob", 3: "FailJob", 5: "FailJob", 75: "Ignore"})
                self.assertTrue(all(str(code) in table for code in actions))
                # else the API refuses the policy
                self.assertEqual(job["template"]["spec"]["restartPolicy"], "Never")
                seen += 1
        self.assertEqual(seen, 2)  # the launcher of the TrainJob, the ranks of the JobSet

    def test_configurations_resolve(self):
        for config in self.each("ConfigMap"):
            text = config["data"].get("run.yaml")
            if text is None:
                self.assertEqual(config["metadata"]["labels"]["grafana_dashboard"], "1")
                self.assertEqual(config["data"]["lodestone.json"],
                                 (ROOT / "deploy/grafana/lodestone.json").read_text())
                continue
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(text)
                file.flush()
                done = subprocess.run([PROGRAM, "config", file.name], capture_output=True, text=True,
                                      timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            resolved = yaml.safe_load(done.stdout)["metrics"]
            self.assertEqual((resolved["port"], resolved["per_rank"]), (9400, True))

    def test_alerts_are_those_of_deploy_prometheus(self):
        self.assertEqual(rules.OUTPUT.read_text(), rules.rendered(), "run deploy/kubernetes/rules.py")
        source = yaml.safe_load(rules.RULES.read_text())
        for rule in self.each("PrometheusRule"):
            self.assertEqual(rule["spec"], source)

    def test_typos_are_found(self):
        """50 seeded ones, in names of fields and in values."""
        rng = random.Random(1)
        # One of each kind; ConfigMaps hold free text, and a rule's expressions are promtool's to check.
        unlike = {m["kind"]: m for m in self.each() if m["kind"] not in ("ConfigMap",)}
        every = [(kind, *leaf) for kind, manifest in unlike.items() for leaf in leaves(manifest)
                 if leaf[1] or len(str(leaf[0][-1])) > 1]
        missed = []
        for kind, path, is_value in rng.sample(every, 50):
            wrong = seed(unlike[kind], path, is_value, rng)
            if not problems(wrong):
                missed.append((kind, ".".join(map(str, path)), "value" if is_value else "name"))
        print(f"{50 - len(missed)} of 50 typos found; missed: {missed}")
        self.assertLessEqual(len(missed), 2)


if __name__ == "__main__":
    unittest.main()
