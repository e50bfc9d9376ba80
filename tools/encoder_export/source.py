"""Which kind of source a name is, and its programs."""
import pathlib

from . import function, open_clip_folder, sentence_folder, timm_folder, transformers_folder
from .errors import ExportError
from .found import read_json


def load(options):
    folder = pathlib.Path(options.source)
    if folder.is_dir():
        for option, name in ((options.image_size, "--image-size"), (options.vocabulary, "--vocabulary")):
            if option is not None:
                raise ExportError(f"{name}: expected MODULE:FUNCTION beside it, got the folder {folder}, "
                                  f"which says it; leave the option out")
        return of_folder(folder, options)
    if ":" in options.source:
        return function.load(options.source, options)
    raise ExportError(f"SOURCE: expected a model's folder or MODULE:FUNCTION, got {options.source}; download "
                      f"the model first, and name its folder")


def of_folder(folder, options):
    if (folder / "open_clip_config.json").is_file():
        return open_clip_folder.load(folder, options)
    if (folder / "modules.json").is_file():
        return sentence_folder.load(folder, options)
    config = read_json(folder / "config.json")
    if "architecture" in config:
        return timm_folder.load(folder, options)
    if "model_type" in config:
        return transformers_folder.load(folder, options)
    raise ExportError(f"{folder}: expected open_clip_config.json, modules.json, or config.json with "
                      f"model_type (transformers) or architecture "
                      "(timm), got none; name the folder that save_pretrained made")
