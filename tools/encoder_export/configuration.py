"""lodestone.yaml: a configuration that is a model without training and a start for training."""
import json
import pathlib

from . import tokenizer
from .found import Texts

WORDS = """\
# {name} from {source}, exported as {files}.
# Paths begin in the folder in which lodestone runs. As a model without training:
#   lodestone embed {here} --input DATA --output z.safetensors
# Training: name the data, then look at the settings below.
#   lodestone train {here} --set data.train.path=DATA
"""
TRAINING = """\
optimizer: {name: adamw, learning_rate: 0.00002}   # a small one, since the weights are trained already
schedule: {steps: 1000, warmup_steps: 100}
"""


def flow(settings):
    """{a: 1, b: "x"} on one line."""
    return "{" + ", ".join(
        f"{key}: {value if isinstance(value, str) and value.isidentifier() else json.dumps(value)}"
                           for key, value in settings.items()) + "}"


def images_yaml(images):
    return ("  image:                        # as the model was trained\n"
            f"    width: {images.width}\n    height: {images.height}\n    channels: {images.channels}\n    "
            f"fit: {images.fit}\n"
            f"    mean: {json.dumps(images.mean)}\n    std: {json.dumps(images.std)}\n")


def texts_yaml(texts, settings, where, kind):
    lines = "  text:\n" + ("    format: pairs               # or labels, triplets, queries, texts\n"
                           if kind == "texts" else "")
    values = {"path": str(where / settings["path"]), **{k: v for k, v in settings.items() if k != "path"},
              "max_tokens": texts.max_tokens}
    return lines + f"    tokenizer: {flow(values)}\n"


def kind_of(found):
    return "image_texts" if len(found.programs) == 2 else found.programs[0].kind


def encoder_yaml(found, folder):
    one = [flow({"name": "exported", "file": str(folder / program.file)}) for program in found.programs]
    if len(one) == 1:
        return f"encoder: {one[0]}\n"
    return (f"encoder:\n  name: two_tower\n  image: {one[0]}\n  text: {one[1]}\n  embedding: 0               "
            f"   # the towers have their own projections\n")


def loss_yaml(kind):
    if kind == "images":
        return ("loss: supcon                    # folders of classes; data.train.path names the folder "
                "above them\n")
    views = ("sampler: {name: two_views}      # an image and one of its captions\n" if kind == "image_texts"
             else "")
    loss = "{name: clip}" if kind == "image_texts" else "{name: infonce, temperature: 0.05}"
    return views + f"loss: {loss}\n"


def write(found, folder, tokenizer_folder):
    """The configuration, the tokenizer beside it, and a note if there is none."""
    kind, here = kind_of(found), folder / "lodestone.yaml"
    source = found.folder.resolve() if found.folder else "a function"
    out = WORDS.format(name=found.kind, source=source,
                       files=", ".join(program.file for program in found.programs), here=here)
    out += f"run_dir: {json.dumps(str(pathlib.Path('runs') / folder.name))}\n"
    out += (f"normalize: {json.dumps(found.normalize)}                 # embeddings have unit length\n"
            if found.normalize else "normalize: false\n")
    out += f"data:\n  kind: {kind}\n  # train: {{path: DATA}}\n"
    for program in found.programs:
        if not isinstance(program.inputs, Texts):
            out += images_yaml(program.inputs)
            continue
        where = pathlib.Path(tokenizer_folder) if tokenizer_folder else found.folder
        settings = tokenizer.copy(where, folder) if where else None
        if settings is None and found.tokenizer_json:
            text = json.dumps(found.tokenizer_json, ensure_ascii=False)
            (folder / "tokenizer.json").write_text(text, encoding="utf-8")
            settings = {"path": "tokenizer.json"}
        if settings is None:
            settings = {"path": "vocab.txt"}
            found.notes.append(f"{here}: data.text.tokenizer names a vocab.txt that is not there, since the "
                               f"source has no tokenizer; name yours")
        out += texts_yaml(program.inputs, settings, folder, kind)
    for name, text in found.prompts.items():
        out += f"# prompt {name}: {json.dumps(text)}, to be put before the texts of the data\n"
    out += encoder_yaml(found, folder)
    out += "\n# Training\nglobal_batch: 64\n" + loss_yaml(kind) + TRAINING
    here.write_text(out, encoding="utf-8")
