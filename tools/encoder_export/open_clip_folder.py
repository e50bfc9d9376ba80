"""A folder of open_clip, open_clip_config.json and its weights: a tower of images and one of texts."""
import torch

from .clip_tokenizer import tokenizer_json
from .errors import ExportError, need
from .found import Found, Images, Program, Texts, read_json


class TextTower(torch.nn.Module):
    """Texts of any length: open_clip's own are always as long as its positions."""

    def __init__(self, model, length):
        super().__init__()
        self.model, self.length = model, length

    def forward(self, tokens, mask):
        tokens = torch.nn.functional.pad(tokens.masked_fill(~mask, 0), (0, self.length - tokens.shape[1]))
        return self.model.encode_text(tokens) if hasattr(self.model, "encode_text") else self.model(tokens)


def weight_file(folder):
    names = ("open_clip_model.safetensors", "model.safetensors")
    return next((name for name in names if (folder / name).is_file()), names[0])


def load(folder, options):
    library = need("open_clip")
    for option, name in ((options.pooling, "--pooling"), (options.left_padding, "--left-padding")):
        if option:
            raise ExportError(f"{name}: expected another folder than {folder}, whose open_clip_config.json "
                              f"says it; leave the option out")
    model = library.create_model(f"local-dir:{folder}").float().eval()
    said = read_json(folder / "open_clip_config.json").get("preprocess_cfg", {})
    size = model.visual.image_size
    height, width = size if isinstance(size, (tuple, list)) else (size, size)
    images = Images(3, height, width, list(said.get("mean", library.OPENAI_DATASET_MEAN)),
                    list(said.get("std", library.OPENAI_DATASET_STD)),
                    "stretch" if said.get("resize_mode") == "squash" else "crop")
    length, vocabulary = int(model.context_length), int(model.vocab_size)
    whole = library.create_model(f"local-dir:{folder}").float().eval()  # what the towers are compared with
    file = weight_file(folder)
    custom = hasattr(model, "text")
    image, text = model.visual, model.text if custom else model
    if not custom:
        for name in ("visual", "logit_scale", "logit_bias"):
            delattr(model, name)

    def original(tokens):
        return whole.encode_text(torch.nn.functional.pad(tokens, (0, length - tokens.shape[1])))

    tower = TextTower(text, length)
    return Found("open_clip", folder, [Program("image.pt2", image, whole.encode_image, images, {file: ""}),
                                       Program("text.pt2", tower, original,
                                               Texts(min(options.max_tokens or length, length), vocabulary),
                                               {file: "model."})], tokenizer_json=tokenizer_json(folder))
