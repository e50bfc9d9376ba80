"""What `kubectl kustomize` makes of deploy/kubernetes."""
import pathlib
import subprocess

import yaml

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "deploy/kubernetes"
RENDERED = ("overlays/cpu-small", "overlays/gpu-nccl", "overlays/gpu-rdma", "overlays/kueue",
            "alternatives/trainjob", "alternatives/jobset", "alternatives/pytorchjob")


def render(name):
    done = subprocess.run(["kubectl", "kustomize", FOLDER / name], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))
