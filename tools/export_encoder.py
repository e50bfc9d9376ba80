#!/usr/bin/env python3
"""Exports an encoder of PyTorch for Lodestone, with its tokenizer and a configuration.

SOURCE is a folder of Hugging Face, sentence-transformers, timm or open_clip, or MODULE:FUNCTION, where
FUNCTION() returns a torch.nn.Module with forward(pixels) or forward(tokens, mask). It is run by the Python
that has the model's library. Nothing is downloaded. FOLDER gets

  encoder.pt2      the program, weights included (image.pt2 and text.pt2 of a model with two towers)
  lodestone.yaml   a configuration: lodestone embed takes it as a model, lodestone train as a start
  vocab.txt, …     the tokenizer
  export.json      the weights' names in SOURCE, for lodestone export --format huggingface

The program's outputs are compared with the original's before anything is said to be done.
"""
import argparse
import os
import pathlib
import sys

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from encoder_export import configuration, lora, program, record, source  # noqa: E402
from encoder_export.errors import ExportError  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", metavar="SOURCE", help="a model's folder, or MODULE:FUNCTION")
    parser.add_argument("--output", required=True, metavar="FOLDER",
                        help="folder to write; it must not exist, or be empty")
    parser.add_argument("--pooling", choices=["mean", "cls", "last", "max", "pooler"],
                        help="one vector from those of tokens or patches, where the folder does not say it")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="longest text (default: the folder's); "
                        "FUNCTION: it takes texts")
    parser.add_argument("--image-size", type=int, metavar="N",
                        help="FUNCTION: it takes images of three channels with this side")
    parser.add_argument("--vocabulary", type=int, metavar="N", help="FUNCTION: number of tokens (default: "
                        "its first embedding's)")
    parser.add_argument("--tokenizer", metavar="FOLDER", help="folder of the tokenizer (default: SOURCE)")
    parser.add_argument("--lora", metavar="r=16,targets=A,B", help="train adapters of peft at the linear "
                        "layers whose names end so, and nothing "
                        "else; also alpha=32 (default: 2r) and dropout=0.05 (default: 0)")
    parser.add_argument("--left-padding", action="store_true", help="move the padding of texts to the left "
                        "within the program")
    parser.add_argument("--trust-remote-code", action="store_true",
                        help="run the code that the folder of the model holds")
    return parser.parse_args()


def new_folder(name):
    folder = pathlib.Path(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(f"--output: expected a folder that is new or empty, got {folder}; name another one")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def few(names):
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def write(found, settings, folder, options):
    for one in found.programs:
        names = record.names_of(one, found.folder)
        frozen = program.freeze_unused(one)
        adapters = lora.inject(one, settings, names) if settings else None
        program.export(one, folder / one.file)
        worst = program.check(one, folder / one.file)
        one.names, one.adapters = names, adapters
        size = (folder / one.file).stat().st_size / 2**20
        learned = sum(p.numel() for p in one.module.parameters() if p.requires_grad)
        print(f"{folder / one.file}: {size:.1f} MiB, {learned:,} weights to train; differs from the original "
              f"by {worst:.1e} of its largest "
              f"number, on {program.CHECKED[one.kind]}")
        if frozen:
            print(f"{one.file}: {len(frozen)} weights do not reach the embedding and stay as they are: "
                  f"{few(frozen)}")
        if nameless := record.nameless(one) if found.folder else []:
            print(f"{one.file}: {len(nameless)} weights are not found in the safetensors of {options.source},"
                  f" so lodestone export --format "
                  f"huggingface can not write them: {few(nameless)}")
    record.write(found, folder)
    configuration.write(found, folder, options.tokenizer)
    for note in found.notes:
        print(note)
    print(f"next: lodestone embed {folder / 'lodestone.yaml'} --input DATA --output z.safetensors, or "
          f"lodestone train {folder / 'lodestone.yaml'} "
          "--set data.train.path=DATA")


def main():
    options = arguments()
    settings = lora.parse(options.lora) if options.lora else None
    found = source.load(options)
    folder = new_folder(options.output)
    try:
        write(found, settings, folder, options)
    except BaseException:  # half an export would be in the way of the next one
        for path in folder.iterdir():
            path.unlink()
        raise


if __name__ == "__main__":
    try:
        main()
    except ExportError as error:
        sys.exit(f"export_encoder: {error}")
