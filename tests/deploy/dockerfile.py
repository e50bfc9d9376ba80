"""The instructions of a Dockerfile, by stage."""
import re
from dataclasses import dataclass, field


@dataclass
class Stage:
    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)  # ("RUN", "apt-get ...")

    def all(self, name: str) -> list[str]:
        return [value for instruction, value in self.instructions if instruction == name]


def stages(text: str) -> list[Stage]:
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    found: list[Stage] = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, value = line.split(None, 1)
        if name == "FROM":
            found.append(Stage(value))
        elif found:
            found[-1].instructions.append((name, value))
    return found
