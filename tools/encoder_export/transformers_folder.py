"""A folder of transformers: a model of texts, of images, or of both with a tower for each."""
import copy

import torch

from .errors import ExportError, need
from .found import Found, Images, Program, read_json
from .found import Texts as TextInputs
from .pooling import Texts, pooled


class TextModel(Texts):
    def __init__(self, model, how, left):
        super().__init__(getattr(model.config, "pad_token_id", None), left)
        self.model, self.how = model, how

    def forward(self, tokens, mask):
        tokens, mask = self.prepared(tokens, mask)
        out = self.model(input_ids=tokens, attention_mask=mask.long())
        return out.pooler_output if self.how == "pooler" else pooled(out.last_hidden_state, mask, self.how)


class ImageModel(torch.nn.Module):
    def __init__(self, model, how):
        super().__init__()
        self.model, self.how = model, how

    def forward(self, pixels):
        out = self.model(pixel_values=pixels)
        if self.how == "pooler":
            return out.pooler_output.flatten(1)
        return out.last_hidden_state[:, 0] if self.how == "cls" else out.last_hidden_state.mean(1)


class Tower(torch.nn.Module):
    """One side of a model of both; the other's weights are left out."""

    def __init__(self, model, others):
        super().__init__()
        self.model = copy.deepcopy(model)
        for name in others:
            if hasattr(self.model, name):
                delattr(self.model, name)

    @staticmethod
    def vector(out):
        return out if isinstance(out, torch.Tensor) else out.pooler_output


class ImageTower(Tower):
    def forward(self, pixels):
        return self.vector(self.model.get_image_features(pixel_values=pixels))


class TextTower(Tower):
    def __init__(self, model, others):
        super().__init__(model, others)
        self.padding = getattr(model.config.text_config, "pad_token_id", None)

    def forward(self, tokens, mask):
        if self.padding is not None:
            tokens = tokens.masked_fill(~mask, self.padding)
        return self.vector(self.model.get_text_features(input_ids=tokens, attention_mask=mask.long()))


def weight_file(folder, root):
    """The file of a folder's weights, relative to root; the default's name where there is none, since writing
    back needs one anyway."""
    names = ("model.safetensors", "model.safetensors.index.json")
    name = next((name for name in names if (folder / name).is_file()), names[0])
    return (folder / name).relative_to(root).as_posix()


def longest(config, folder, said=None):
    """The longest text: as the library says, as the tokenizer says, as there are positions."""
    positions = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    if positions and config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet", "xlm-roberta-xl",
                                           "data2vec-text"):
        positions -= (config.pad_token_id or 0) + 1  # positions are counted from behind the padding's
    limits = [said, read_json(folder / "tokenizer_config.json").get("model_max_length"), positions]
    return int(min([limit for limit in limits if limit and limit < 65536], default=512))


def images_of(folder, config):
    """What preprocessor_config.json says, or else the model's configuration."""
    said = read_json(folder / "preprocessor_config.json")

    def side(value):
        if isinstance(value, dict):
            value = (value["height"], value["width"]) if "height" in value else value.get("shortest_edge")
        return tuple(value) if isinstance(value, (list, tuple)) else (value, value)

    size = said.get("crop_size") if said.get("do_center_crop") and said.get("crop_size") else said.get(
        "size") or getattr(config, "image_size", None)
    height, width = side(size) if size else (224, 224)
    crops = bool(said.get("do_center_crop")) or (isinstance(said.get("size"), dict)
                                                 and "shortest_edge" in said["size"])
    return Images(getattr(config, "num_channels", 3), height, width, list(said.get("image_mean", [0.5] * 3)),
                  list(said.get("image_std", [0.5] * 3)),
                  "crop" if crops else "stretch")


@torch.no_grad()
def is_causal(model):
    """Do the first tokens' vectors not depend on the last token?"""
    tokens = torch.tensor([[5, 6, 7, 8], [5, 6, 7, 9]])
    states = model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).last_hidden_state
    return torch.equal(states[0, :3], states[1, :3])


def text_program(model, folder, options, found):
    how = options.pooling
    if how is None:
        how = "last" if is_causal(model) else "mean"
        found.notes.append(f"the folder does not say how tokens become one vector: --pooling {how} was taken")
    if how == "pooler" and getattr(model, "pooler", None) is None:
        raise ExportError(f"--pooling pooler: expected a model that has one, got {type(model).__name__}; "
                          f"choose mean, cls, last or max")
    found.pooling = how

    def original(tokens):
        out = model(input_ids=tokens, attention_mask=torch.ones_like(tokens))
        return {"pooler": lambda: out.pooler_output, "cls": lambda: out.last_hidden_state[:, 0],
                "last": lambda: out.last_hidden_state[:, -1],
                "max": lambda: out.last_hidden_state.amax(1),
                "mean": lambda: out.last_hidden_state.mean(1)}[how]()

    inputs = TextInputs(options.max_tokens or longest(model.config, folder),
                        model.get_input_embeddings().num_embeddings)
    return Program("encoder.pt2", TextModel(model, how, options.left_padding), original, inputs,
                   {weight_file(folder, folder): "model."})


def image_program(model, folder, options, images):
    how = options.pooling
    with torch.no_grad():
        out = model(pixel_values=torch.zeros(1, images.channels, images.height, images.width))
    if how is None:
        how = "cls" if getattr(out, "pooler_output", None) is None else "pooler"
    if how not in ("pooler", "cls", "mean"):
        raise ExportError(f"--pooling {how}: expected pooler, cls or mean for images; choose one of them")
    module = ImageModel(model, how)
    return Program("encoder.pt2", module, module, images, {weight_file(folder, folder): "model."})


def tower_programs(model, folder, options):
    config, file = model.config, weight_file(folder, folder)
    image = ImageTower(model, ("text_model", "text_projection", "logit_scale", "logit_bias"))
    text = TextTower(model, ("vision_model", "visual_projection", "logit_scale", "logit_bias"))
    most = options.max_tokens or longest(config.text_config, folder)

    def original(tokens):
        return Tower.vector(model.get_text_features(input_ids=tokens, attention_mask=torch.ones_like(tokens)))

    return [Program("image.pt2", image,
                    lambda pixels: Tower.vector(model.get_image_features(pixel_values=pixels)),
                    images_of(folder, config.vision_config), {file: "model."}),
            Program("text.pt2", text, original,
                    TextInputs(most, config.text_config.vocab_size, config.text_config.eos_token_id),
                    {file: "model."})]


def load(folder, options):
    transformers = need("transformers")
    try:
        model = (
            transformers.AutoModel.from_pretrained(
                folder, local_files_only=True, trust_remote_code=options.trust_remote_code
            )
            .float()
            .eval()
        )
    except ValueError as error:
        raise ExportError(f"{folder}: expected a model that transformers {transformers.__version__} knows, "
                          f"got an error: "
                          f"{str(error).splitlines()[0]}; a model with code of its own needs "
                          f"--trust-remote-code") from error
    config = model.config
    found = Found("transformers", folder, [])
    if getattr(config, "text_config", None) is not None and getattr(config, "vision_config",
                                                                    None) is not None:
        if not hasattr(model, "get_image_features") or not hasattr(model, "get_text_features"):
            raise ExportError(f"{folder}: expected a model with get_image_features and get_text_features, "
                              f"got {type(model).__name__}; name its "
                              "parts as MODULE:FUNCTION")
        found.programs = tower_programs(model, folder, options)
    elif model.main_input_name == "pixel_values":
        found.programs = [image_program(model, folder, options, images_of(folder, config))]
    elif getattr(config, "is_encoder_decoder", False):
        raise ExportError(f"{folder}: expected an encoder or a decoder, got {type(model).__name__}, which is "
                          f"both; name its encoder as "
                          "MODULE:FUNCTION")
    else:
        found.programs = [text_program(model, folder, options, found)]
    return found
