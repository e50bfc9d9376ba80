"""Strict schemas of the custom resources that deploy/kubernetes uses: only the fields we set, any other is
refused.

They are our own descriptions, after the types of MPI Operator 0.8 (pkg/apis/kubeflow/v2beta1/types.go),
Kubeflow Trainer 2 (pkg/apis/trainer/v1alpha1), JobSet (api/jobset/v1alpha2), training-operator 1
(pkg/apis/kubeflow.org/v1) and prometheus-operator (pkg/apis/monitoring/v1), since no package carries their
definitions. Pods and jobs inside are checked as the Kubernetes objects that they are. definitions() reads the
projects' own ones from a folder, where there is one."""
import pathlib
import re

POD, JOB = object(), object()  # templates that become a Pod or a Job of Kubernetes' own schema


class Maybe:
    """A field that may be left out."""

    def __init__(self, shape):
        self.shape = shape


class Map:
    """Any keys, values of one shape."""

    def __init__(self, shape):
        self.shape = shape


class OneOf:
    def __init__(self, *values):
        self.values = values


class Matching:
    """Text of a form, as a definition's `pattern` has it."""

    def __init__(self, pattern):
        self.pattern = re.compile(pattern)


STRINGS = Map(str)
DURATION = Matching(r"(0|(\d+h)?(\d+m)?(\d+s)?)")
META = {"name": str, "namespace": Maybe(str), "labels": Maybe(STRINGS), "annotations": Maybe(STRINGS)}
SELECTOR = {"matchLabels": Maybe(STRINGS), "matchExpressions": Maybe([Map(object)])}
RUN_POLICY = {"cleanPodPolicy": Maybe(OneOf("None", "Running", "All")), "ttlSecondsAfterFinished": Maybe(int),
              "activeDeadlineSeconds": Maybe(int), "backoffLimit": Maybe(int), "suspend": Maybe(bool)}


def replica(*policies):
    return {"replicas": int, "restartPolicy": OneOf(*policies), "template": POD}


def replicated(job):
    return {"name": str, "replicas": Maybe(int), "template": job,
            "dependsOn": Maybe([{"name": str, "status": OneOf("Ready", "Complete")}])}


JOBSET = {"replicatedJobs": [replicated(JOB)],
          "network": Maybe({"enableDNSHostnames": Maybe(bool), "subdomain": Maybe(str),
                            "publishNotReadyAddresses": Maybe(bool)}),
          "successPolicy": Maybe({"operator": OneOf("All", "Any"), "targetReplicatedJobs": Maybe([str])}),
          "failurePolicy": Maybe({"maxRestarts": int, "rules": Maybe([{
              "name": str, "action": OneOf("FailJobSet", "RestartJobSet",
                                           "RestartJobSetAndIgnoreMaxRestarts"),
              "onJobFailureReasons": Maybe([OneOf("BackoffLimitExceeded", "DeadlineExceeded", "FailedIndexes",
                                                  "MaxFailedIndexesExceeded", "PodFailurePolicy")])}])})}
KINDS = {
    ("kubeflow.org/v2beta1", "MPIJob"): {
        "slotsPerWorker": Maybe(int), "mpiImplementation": Maybe(OneOf("OpenMPI", "Intel", "MPICH")),
        "sshAuthMountPath": Maybe(str), "launcherCreationPolicy":
                                         Maybe(OneOf("AtStartup", "WaitForWorkersReady")),
        "runLauncherAsWorker": Maybe(bool), "runPolicy": RUN_POLICY,
        "mpiReplicaSpecs": {"Launcher": replica("Never", "OnFailure"),
                            "Worker": replica("Never", "OnFailure")}},
    ("kubeflow.org/v1", "PyTorchJob"): {
        "runPolicy": RUN_POLICY,
        "pytorchReplicaSpecs": {"Master": replica("Never", "OnFailure", "Always", "ExitCode"),
                                "Worker": replica("Never", "OnFailure", "Always", "ExitCode")}},
    ("jobset.x-k8s.io/v1alpha2", "JobSet"): JOBSET,
    ("trainer.kubeflow.org/v1alpha1", "TrainJob"): {
        "runtimeRef": {"apiGroup": OneOf("trainer.kubeflow.org"),
                       "kind": OneOf("TrainingRuntime", "ClusterTrainingRuntime"),
                       "name": str},
        "trainer": Maybe({"numNodes": Maybe(int)}), "suspend": Maybe(bool)},
    ("trainer.kubeflow.org/v1alpha1", "TrainingRuntime"): {
        "mlPolicy": {"numNodes": int,
                     "mpi": Maybe({"numProcPerNode": int, "mpiImplementation": OneOf("OpenMPI"),
                                   "sshAuthMountPath": str, "runLauncherAsNode": bool})},
        "template": {"spec": JOBSET}},
    ("monitoring.coreos.com/v1", "PodMonitor"): {
        "selector": SELECTOR,
        "podMetricsEndpoints": [{"port": str, "interval": Maybe(DURATION), "scrapeTimeout": Maybe(DURATION),
                                 "relabelings": Maybe([{
            "sourceLabels": [Matching(r"__meta_kubernetes_[a-z_]+")], "targetLabel": Matching("run|rank"),
                                                        "regex": Maybe(str), "replacement": Maybe(str),
            "action": Maybe(OneOf("replace", "keep", "drop", "labelmap"))}])}]},
    ("monitoring.coreos.com/v1", "PrometheusRule"): {
        "groups": [{"name": str, "interval": Maybe(DURATION), "rules": [{
            "record": Maybe(str), "alert": Maybe(str), "expr": str, "for": Maybe(DURATION),
                                                                         "keep_firing_for": Maybe(DURATION),
            "labels": Maybe(STRINGS), "annotations": Maybe(STRINGS)}]}]},
}


def check(value, shape, where, check_core):
    """Problems of a value, as text. check_core(object, where) checks a Pod or a Job."""
    if shape is POD or shape is JOB:
        kind, version = ("Pod", "v1") if shape is POD else ("Job", "batch/v1")
        return check_core({"apiVersion": version, "kind": kind, **value},
                          where) if isinstance(value, dict) else [f"{where}: no object"]
    if isinstance(shape, OneOf):
        return [] if value in shape.values else [f"{where}: {value!r} is none of {shape.values}"]
    if isinstance(shape, Matching):
        good = isinstance(value, str) and value and shape.pattern.fullmatch(value)
        return [] if good else [f"{where}: {value!r} does not match {shape.pattern.pattern}"]
    if isinstance(shape, Map):
        if not isinstance(value, dict):
            return [f"{where}: no object"]
        return [problem for key, each in value.items() for problem in check(
            each, shape.shape, f"{where}.{key}", check_core)]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where}: no list"]
        return [problem for i, each in enumerate(value) for problem in check(
            each, shape[0], f"{where}[{i}]", check_core)]
    if isinstance(shape, dict):
        return check_fields(value, shape, where, check_core)
    good = isinstance(value, shape) and not (shape is int and isinstance(value, bool))
    return [] if good else [f"{where}: expected {shape.__name__}, got {value!r}"]


def check_fields(value, shape, where, check_core):
    if not isinstance(value, dict):
        return [f"{where}: no object"]
    problems = [f"{where}.{key}: unknown" for key in value if key not in shape]
    for key, each in shape.items():
        if key in value:
            problems += check(value[key], each.shape if isinstance(each, Maybe) else each, f"{where}.{key}",
                              check_core)
        elif not isinstance(each, Maybe):
            problems.append(f"{where}.{key}: missing")
    return problems


def problems(manifest, check_core):
    """Problems of one manifest; [] if the API server would take it."""
    name = (manifest.get("apiVersion"), manifest.get("kind"))
    if name not in KINDS:
        return check_core(manifest, str(manifest.get("kind")))
    whole = {"apiVersion": str, "kind": str, "metadata": META, "spec": KINDS[name]}
    return check(manifest, whole, name[1], check_core)


def strict(schema):
    """A definition's schema that refuses unknown fields, as an API server does with `kubectl apply
    --validate=strict`."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not schema.get(
            "x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        closed.pop("type", None)
    return closed


def definitions(folder, yaml):
    """{(apiVersion, kind): strict schema} of all CustomResourceDefinitions in a folder's *.yaml."""
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*.yaml")):
        for crd in yaml.safe_load_all(path.read_text()):
            spec = crd["spec"]
            for version in spec["versions"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                schema["properties"]["metadata"] = {"type": "object"}
                found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return found
