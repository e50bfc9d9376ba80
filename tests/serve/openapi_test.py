#!/usr/bin/env python3
"""Schemathesis against a live `lodestone serve` and the description it serves of itself.

usage: openapi_test.py LODESTONE [SECONDS]

Requests are made up from /openapi.json, fitting and not, for a model of pictures and one of texts: none may
end in 5xx, and status, content type, headers and body of each answer must be those described. Exits with 77
(skipped) where this Python has no schemathesis; the folder named by SCHEMATHESIS_MODULES, if set, is looked
at first.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import served_model  # noqa: E402

SKIPPED = 77
# What fits the description is refused all the same where base64 holds no picture, or where a model reads
# none.
NOT_PROMISED = "positive_data_acceptance"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.environ.get("SCHEMATHESIS_MODULES", "")}


def installed():
    return subprocess.run([sys.executable, "-c", "import schemathesis"], env=ENVIRONMENT,
                          capture_output=True).returncode == 0


def fuzz(work, address, seconds):
    words = [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json",
             "--header", f"Authorization: Bearer {served_model.TOKEN}", "--checks", "all", "--exclude-checks",
             NOT_PROMISED, "--max-time", str(seconds), "--seed", "1", "--generation-database", "none",
             "--continue-on-failure", "--request-timeout", "10", "--warnings", "off",
             "--suppress-health-check", "too_slow"]
    found = subprocess.run(words, cwd=work, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True,
                           timeout=seconds + 120)
    print(found.stdout)
    assert found.returncode == 0, f"schemathesis ended with {found.returncode}"


def main():
    if not installed():
        print(f"skipped: {sys.executable} has no schemathesis (pip install schemathesis)")
        return SKIPPED
    program, seconds = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 15
    for make in (served_model.of_pictures, served_model.of_texts):
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            make(program, work)
            with served_model.Service(program, work) as service:
                fuzz(work, service.address, seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
