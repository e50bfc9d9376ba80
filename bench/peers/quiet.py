"""Waiting until nothing else runs on the machine, so that rounds do not measure other work."""
import pathlib
import time

BUSY = 0.1  # of all cores
LOOK_SECONDS = 0.2


def busy_share() -> float:
    """How much of the cores is in use now, by whom ever."""
    def times() -> list[int]:
        first = pathlib.Path("/proc/stat").read_text().splitlines()[0]
        return [int(word) for word in first.split()[1:9]]

    before = times()
    time.sleep(LOOK_SECONDS)
    passed = [b - a for a, b in zip(before, times())]
    return 1 - (passed[3] + passed[4]) / max(sum(passed), 1)  # idle, and waiting for a disk


class Patience:
    """Waits before a measurement, at most so many seconds in all."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def wait(self) -> None:
        while self.left > 0 and busy_share() > BUSY:
            self.left -= 1
            time.sleep(1 - LOOK_SECONDS)
