"""Our source files, and C++ text with what is not code blanked out. Used by the checks beside this file."""
import pathlib
import re
import sys

FOLDERS = ("common", "distributed", "sampler", "trainer", "bench", "examples", "tests")
CPP = {".h", ".cpp"}


def files(root, suffixes, folders=FOLDERS):
    """Sorted paths below the given folders, relative to root; suffixes None: of all files."""
    root = pathlib.Path(root)
    found = []
    for folder in folders:
        found += [path.relative_to(root) for path in (root / folder).rglob("*")
                  if path.is_file() and (suffixes is None or path.suffix in suffixes)]
    return sorted(found)


def check(problems, praise):
    """The exit code of a check of the folder that the command line names, or else of ours: prints what is
    wrong, or the praise."""
    found = problems(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    print("\n".join(found) if found else praise)
    return 1 if found else 0


_NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|'
                       r'(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL)


def blank(text):
    """The text with comments, strings and characters replaced by blanks; line breaks stay where they are."""
    return _NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def blank_comments(text):
    """The text with comments alone blanked out."""
    keep = lambda match: match.group() if match.group()[0] != "/" else re.sub(r"[^\n]", " ", match.group())
    return _NOT_CODE.sub(keep, text)
