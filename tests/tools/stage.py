"""A folder in which the commands of a story run, with `lodestone`, `python3` and the tools under the names
that the page uses."""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A test has a second where a page has an hour.
SHORT = ("--set schedule.steps=4 --set schedule.warmup_steps=1 --set global_batch=16 --set "
         "optimizer.learning_rate=0.001")


class Stage:
    def __init__(self, program):
        self.owner = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.owner.name)
        for name, target in {"build/lodestone": program, "tools": ROOT / "tools"}.items():
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).symlink_to(pathlib.Path(target).absolute())
        self.environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1",
                            "TOKENIZERS_PARALLELISM": "false"}

    def close(self):
        self.owner.cleanup()

    def bash(self, command, expected=0):
        """Runs a command as the page shows it; its output."""
        command = command.replace("python3 ", f"{sys.executable} -W ignore ",
                                  1) if command.startswith("python3 ") else command
        if " train " in command:
            command += " " + SHORT
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.environment,
                              capture_output=True, text=True, timeout=900)
        assert (
            done.returncode == expected
        ), f"{command}\nexit code {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout + done.stderr
