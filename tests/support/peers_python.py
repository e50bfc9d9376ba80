"""A Python that has the libraries which tests compare with."""
import os
import subprocess
import sys


def find(needs):
    cache = os.environ.get("LODESTONE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lodestone")
    check = "import importlib.util as u, sys; sys.exit(any(u.find_spec(n) is None for n in sys.argv[1:]))"
    for python in (os.environ.get("LODESTONE_PEERS_PYTHON"), os.path.join(cache, "peers-venv/bin/python"),
                   sys.executable):
        if python and os.path.exists(python) and subprocess.run([python, "-c", check,
                                                                 *needs]).returncode == 0:
            return python
    return None


def enter(needs):
    """Goes on in $LODESTONE_PEERS_PYTHON, the Python that ./dev bench peers makes, or this one, whichever
    first has all of `needs`;
    exits with 77 (skipped) if none does."""
    if "LODESTONE_IN_PEERS_TEST" in os.environ:
        return
    python = find(needs)
    if not python:
        print("skipped: no Python with", ", ".join(needs), "was found; name one in LODESTONE_PEERS_PYTHON")
        sys.exit(77)
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    os.execve(python, [python, *sys.argv], {**os.environ, **offline, "LODESTONE_IN_PEERS_TEST": "1"})
