#!/usr/bin/env python3
"""The examples of our headers compile where they stand. usage: examples.py BUILD

An example is a block of lines that begin with `///     `, after a line `///`, in the comment of a key header. It is compiled in the namespace of its
header, as the body of a function whose parameters are the names that the comment explains or leaves open, or else as declarations.
g++ reads it with the flags that BUILD/compile_commands.json has for training_run.cpp; nothing is generated.
"""
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import namespaces

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS_OF = "trainer/run/training_run.cpp"
DECLARED = None  # instead of parameters: the example declares types and functions
HEADERS = {
    "common/fields.h": "",
    "common/state_handles.h": "engine::Trainer& trainer",
    "distributed/group.h": "",
    "sampler/loader.h": "",
    "trainer/losses/loss.h": DECLARED,
    "trainer/encoders/encoder.h": "",
    "trainer/negatives/global_batch.h": "",
    "trainer/engine/encoder_pass.h":
        "distributed::Group world, encoders::Encoder& encoder, Features x, encoders::ForwardMode mode, sampler::Batch batch, "
        "at::Tensor label_b, at::Tensor group_b, at::Tensor id_b, negatives::Objective objective",
    "trainer/engine/trainer.h": "sampler::Loader& loader",
    "trainer/coordinator/checkpoints/checkpoint.h": "",
    "trainer/coordinator/coordinator.h":
        "run::RunConfig& config, RunContext& context, RunFacts facts, encoders::Encoder& encoder, engine::Trainer& trainer, "
        "std::string yaml, std::shared_ptr<const sampler::Examples> examples, negatives::Objective objective, "
        "sampler::Loader& loader, bool stop_requested",
    "trainer/run/extensions.h": "int argc, char** argv",
    "trainer/run/run_config.h": "",
    "trainer/run/training_run.h": "RunConfig& config",
    "trainer/run/data_kind.h": "RunConfig& config",
    "trainer/commands/verb.h": DECLARED,
}
# Types that an example leaves to the reader.
OPEN_TYPES = {"trainer/run/extensions.h": "template <typename SquareLoss, typename Tiny>"}
# What the examples name beside their own header.
INCLUDED = ("ATen/ops/arange.h", "ATen/ops/full.h", "ATen/ops/full_like.h", "ATen/ops/ones.h", "ATen/ops/rand.h", "ATen/ops/randn.h",
            "ATen/ops/tensor.h", "ATen/TensorOperators.h", "thread", "common/yaml.h", "trainer/commands/main.h",
            "sampler/image_examples.h", "sampler/samplers/pk_sampler.h", "sampler/sources/image_source.h",
            "trainer/losses/reduction.h", "trainer/run/ranks.h")


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


def wrapped(header, parameters, text):
    """C++ with every example of a header, whose errors name the header's lines."""
    space = namespaces.expected(pathlib.PurePosixPath(header))
    parts = []
    for number, lines in examples(text):
        body = f'#line {number} "{header}"\n' + "\n".join(lines)
        if parameters is not DECLARED:
            body = f"{OPEN_TYPES.get(header, '')} auto example_{number}({parameters}) {{\n{body}\n}}"
        parts.append(f"namespace {space} {{\n{body}\n}}")
    return "\n".join(parts)


def flags(build):
    """Compiler and flags of one source of ours, without its outputs and its precompiled header."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if entry["file"] == str(ROOT / FLAGS_OF):
            words = shlex.split(entry["command"])
            left_out = {i + k for i, word in enumerate(words) if word in ("-include", "-o", "-c") for k in (0, 1)}
            return [word for i, word in enumerate(words) if i not in left_out and word not in ("-Winvalid-pch", "-fpch-preprocess")]
    raise SystemExit(f"{build}/compile_commands.json has no {FLAGS_OF}; build first")


def problems(build, headers):
    code = [f"#include <{name}>" for name in INCLUDED] + [f'#include "{name}"' for name in headers]
    for header in headers:
        part = wrapped(header, HEADERS[header], (ROOT / header).read_text())
        if not part:
            return [f"{header}: expected an example, got none; add one, or take the header from HEADERS"]
        code.append(part)
    with tempfile.NamedTemporaryFile("w", suffix=".cpp") as file:
        file.write("\n".join(code) + "\n")
        file.flush()
        words = [*flags(build), "-w", "-fsyntax-only", file.name]
        done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    return [done.stderr] if done.returncode else []


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    found = problems(pathlib.Path(sys.argv[1]), sys.argv[2:] or list(HEADERS))
    print("\n".join(found) if found else "the examples compile")
    sys.exit(1 if found else 0)
