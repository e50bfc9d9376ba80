"""The code blocks of our pages, and the commands in them."""
import pathlib
import re
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str  # "" for commands
    text: str


def pages() -> list[pathlib.Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: pathlib.Path) -> list[Block]:
    found, begin, language, lines = [], 0, "", []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if not line.startswith("```"):
            lines.append(line)
        elif begin:
            found.append(Block(page.relative_to(ROOT).as_posix(), begin, language, "\n".join(lines)))
            begin = 0
        else:
            begin, language, lines = number, line[3:].strip(), []
    assert not begin, f"{page}:{begin}: a code block without an end"
    return found


def commands(block: Block) -> list[str]:
    """The commands of a block, their continued lines joined, comments left out."""
    text = re.sub(r"\\\n\s*", "", block.text)
    bare = (re.sub(r"(^|\s+)#.*", "", line).strip() for line in text.splitlines())
    return [line for line in bare if line]
