#!/usr/bin/env python3
"""The examples of our headers are code that a test compiles and runs. usage: examples.py [ROOT]

An example is a block of lines that begin with `///     `, after a line `///`, in the comment of a header.
tests/examples/ has each of them, between `// Example of HEADER` and `// End`, within a test. Only white space
may differ.
"""
import pathlib
import re
import sys

import sources

PRODUCT = ("common", "distributed", "sampler", "trainer")
TESTED = re.compile(r"^ *// Example of (\S+)\n(.*?)^ *// End$", re.M | re.S)
# Headers of the classes that people begin with: they must have one.
KEY_HEADERS = (
    "common/fields.h", "common/state.h", "distributed/group.h", "sampler/loader.h", "trainer/losses/loss.h",
               "trainer/encoders/encoder.h",
    "trainer/negatives/global_batch.h", "trainer/engine/encoder_pass.h", "trainer/engine/trainer.h",
    "trainer/coordinator/checkpoints/checkpoint.h", "trainer/coordinator/coordinator.h",
               "trainer/run/extensions.h", "trainer/run/run_config.h",
    "trainer/run/training_run.h", "trainer/run/data_kind.h", "trainer/commands/verb.h")


def examples(text):
    """The examples of a header, each as the number of its first line and its lines."""
    found, block, before = [], [], ""
    for number, line in enumerate(text.split("\n") + [""], 1):
        code = re.match(r"///(?: {5}(.*)|$)", line)
        if code and (block or (before == "///" and re.match(r"\S", code[1] or ""))):
            block.append((number, code[1] or ""))
        elif block:
            found.append((block[0][0], [line for _, line in block]))
            block = []
        before = line
    return found


def bare(text):
    return re.sub(r"\s+", "", text)


def problems(root):
    root, tested, found = pathlib.Path(root), {}, []
    for path in sources.files(root, {".h", ".cpp"}, ("tests/examples",)):
        for header, code in TESTED.findall((root / path).read_text()):
            tested.setdefault(header, set()).add(bare(code))
    for path in sources.files(root, {".h"}, PRODUCT):
        header, shown = path.as_posix(), examples((root / path).read_text())
        for number, lines in shown:
            if bare("".join(lines)) not in tested.get(header, ()):
                found.append(f"{header}:{number}: no test in tests/examples/ has this example; write it "
                             f"there, between "
                             f"'// Example of {header}' and '// End'")
        unused = tested.pop(header, set()) - {bare("".join(lines)) for _, lines in shown}
        if unused:
            found.append(f"{header}: expected the example that tests/examples/ has for it, got another or "
                         f"none; copy it")
    found += [f"tests/examples/: there is no header {header}" for header in sorted(tested)]
    found += [f"{header}: expected an example, got none" for header in KEY_HEADERS
              if (root / header).exists() and not examples((root / header).read_text())]
    return found


if __name__ == "__main__":
    sys.exit(sources.check(problems, "every example is tested"))
