#!/usr/bin/env python3
"""Steps of the exported encoder beside the native one of the same architecture, in turns.

usage: PYTHON bench/training/exported.py --minilm FOLDER --pairs data/wordnet/train-pairs.jsonl

all-MiniLM-L6-v2 on texts of one length and of many, ResNet-18 on images of 64 x 64. Runs in a Python with
torch, transformers, timm and safetensors. FOLDER holds config.json, model.safetensors and vocab.txt. A figure
is the median over the rounds of one thread's processor seconds per step, which other work on the machine
disturbs little: those of a run of some steps less those of a run of one. A round measures each encoder once.
"""

import argparse
import json
import pathlib
import random
import resource
import statistics
import subprocess
import sys
import tempfile

import timm
import torch
from safetensors.torch import save_file
from transformers import AutoModel

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


class Mean(torch.nn.Module):
    """The mean of the token vectors, as the native encoder's default."""

    def __init__(self, folder):
        super().__init__()
        self.model = AutoModel.from_pretrained(folder, add_pooling_layer=False)

    def forward(self, tokens, mask):
        x = self.model(input_ids=tokens, attention_mask=mask).last_hidden_state
        weight = mask.to(x.dtype).unsqueeze(-1)
        return (x * weight).sum(1) / weight.sum(1).clamp(min=1e-9)


def save(model, example, shapes, file):
    torch.export.save(
        torch.export.export(
            model.train(),
            example,
            dynamic_shapes=shapes,
            strict=False,
            prefer_deferred_runtime_asserts_over_guards=True,
        ),
        file,
    )


def texts(given, folder):
    """Cases of texts: name, title, configuration, settings, encoders."""
    batch, length = torch.export.Dim("batch", min=2, max=4096), torch.export.Dim("length", min=2, max=512)
    file = folder / "minilm.pt2"
    save(
        Mean(given.minilm),
        (torch.randint(5, 100, (3, 8)), torch.ones(3, 8, dtype=torch.bool)),
        ({0: batch, 1: length},) * 2,
        file,
    )
    equal = folder / "equal.jsonl"
    words = [
        line
        for line in (given.minilm / "vocab.txt").read_text(encoding="utf-8").splitlines()
        if line.isalpha() and line.isascii()
    ]
    choose = random.Random(1)
    sentence = lambda: " ".join(choose.choices(words, k=40))  # noqa: E731
    equal.write_text(
        "".join(json.dumps({"sentence1": sentence(), "sentence2": sentence()}) + "\n" for _ in range(512))
    )
    common = {"data.text.tokenizer.path": given.minilm / "vocab.txt", "data.text.bucket_window": 1}
    encoders = {
        "native": {"name": "bert", "init_from": str(given.minilm / "model.safetensors")},
        "exported": {"name": "exported", "file": str(file)},
    }
    config = ROOT / "configs/sentence-pairs.yaml"
    common["global_batch"] = given.batch
    yield (
        "equal",
        f"MiniLM, {given.batch} texts of 32 tokens",
        config,
        {**common, "data.train.path": equal},
        encoders,
    )
    yield (
        "mixed",
        f"MiniLM, {given.batch} texts of 3 to 32 tokens",
        config,
        {**common, "data.train.path": given.pairs.resolve()},
        encoders,
    )


def images(given, folder):
    rows, weights, file = folder / "rows.safetensors", folder / "weights.safetensors", folder / "resnet18.pt2"
    torch.manual_seed(0)
    save_file(
        {
            "pixels": torch.randn(4, given.batch, 3, 64, 64),
            "label": torch.arange(given.batch).div(2, rounding_mode="floor").repeat(4, 1),
        },
        rows,
    )
    model = timm.create_model("resnet18", num_classes=0)
    save(model, (torch.randn(3, 3, 64, 64),), ({0: torch.export.Dim("batch", min=2, max=4096)},), file)
    save_file(
        {name: tensor for name, tensor in model.state_dict().items() if tensor.is_floating_point()}, weights
    )
    encoders = {
        "native": {"name": "resnet18", "head": {"kind": "none"}},
        "exported": {"name": "exported", "file": str(file)},
    }
    yield (
        "images",
        f"ResNet-18, {given.batch} images of 64 x 64",
        HERE / "resnet18.yaml",
        {"rows": rows, "weights": weights},
        encoders,
    )


def written(config, encoder, folder):
    """The configuration with this encoder: settings of the one are none of the other."""
    lines, inside = [], False
    for line in config.read_text(encoding="utf-8").splitlines():
        inside = line.startswith("encoder:") or (inside and line.startswith(" "))
        if not inside and not line.startswith("threads:"):
            lines.append(line)
    file = folder / "run.yaml"
    file.write_text("\n".join(lines) + f"\nthreads: 1\nencoder: {json.dumps(encoder)}\n")
    return file


def processor_seconds(given, file, settings, steps):
    command = [given.program, "bench", "step", str(file), "--steps", str(steps), "--warm-up", "0"]
    for key, value in settings.items():
        command += ["--" + key, str(value)] if key in ("rows", "weights") else ["--set", f"{key}={value}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=file.parent)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minilm", required=True, type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument(
        "--pairs",
        required=True,
        type=pathlib.Path,
        help="JSONL of pairs, as `lodestone data wordnet` makes it",
    )
    parser.add_argument(
        "--program",
        type=lambda path: str(pathlib.Path(path).resolve()),
        default=str(ROOT / "build/lodestone"),
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="timed steps of a round (default 4)")
    parser.add_argument(
        "--only", choices=["equal", "mixed", "images"], action="append", help="a case; default: all"
    )
    parser.add_argument("--batch", type=int, default=64, help="rows of a batch (default 64)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for name, title, config, settings, encoders in [*texts(given, folder), *images(given, folder)]:
            if given.only and name not in given.only:
                continue
            took = {key: [] for key in encoders}
            for _ in range(given.rounds):
                for key, encoder in encoders.items():
                    file = written(config, encoder, folder)
                    one, all_of_them = (
                        processor_seconds(given, file, settings, n) for n in (1, 1 + given.steps)
                    )
                    took[key].append((all_of_them - one) / given.steps)
            native, exported = (statistics.median(took[key]) for key in ("native", "exported"))
            pairs = sorted(b / a for a, b in zip(took["native"], took["exported"]))
            print(
                f"{title}: native {native:.3f} s, exported {exported:.3f} s; "
                f"ratio {exported / native:.3f} (rounds {pairs[0]:.3f} to {pairs[-1]:.3f})",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
