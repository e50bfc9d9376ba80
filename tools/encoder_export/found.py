"""What a source holds: its programs, and what the configuration says about their inputs."""
import dataclasses
import json
import pathlib
from typing import Any, Callable

from .errors import ExportError


@dataclasses.dataclass
class Texts:
    max_tokens: int
    vocabulary: int  # tokens that have embeddings
    end: int | None = None  # the token that ends a text, if the embedding is taken there


@dataclasses.dataclass
class Images:
    channels: int
    height: int
    width: int
    mean: list[float]
    std: list[float]
    fit: str = "crop"  # as data.image.fit


@dataclasses.dataclass
class Program:
    """One program: `module` is exported, with forward(pixels) or forward(tokens, mask); `original(input)`
    computes the embeddings of images, or of one text without padding, by the library itself, in eval()."""
    file: str  # "encoder.pt2"
    module: Any
    original: Callable
    inputs: Texts | Images
    # Files of weights in the folder, and the prefix of their tensors in `module`.
    weights: dict[str, str] = dataclasses.field(default_factory=dict)
    names: dict = dataclasses.field(default_factory=dict)
    adapters: dict | None = None

    @property
    def kind(self):
        return "texts" if isinstance(self.inputs, Texts) else "images"


@dataclasses.dataclass
class Found:
    kind: str  # transformers | sentence_transformers | timm | open_clip | function
    folder: pathlib.Path | None
    programs: list[Program]
    normalize: bool = True
    pooling: str | None = None  # of the texts of a folder of transformers, which has no file that says it
    tokenizer_json: dict | None = None  # of a library that has its tokenizer in no folder
    prompts: dict[str, str] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)


def read_json(path):
    """The object in a file; empty if there is no such file."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ExportError(f"{path}: expected JSON, got something else ({error}); restore the file") from error
    if not isinstance(value, (dict, list)):
        raise ExportError(f"{path}: expected a JSON object, got {type(value).__name__}; restore the file")
    return value
