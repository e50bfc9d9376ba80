"""A folder of timm, config.json with architecture and model.safetensors: the features without the
classifier."""
from .errors import ExportError, need
from .found import Found, Images, Program
from .transformers_folder import weight_file


def load(folder, options):
    timm = need("timm")
    for option, name in ((options.pooling, "--pooling"), (options.max_tokens, "--max-tokens"),
                         (options.tokenizer, "--tokenizer")):
        if option:
            raise ExportError(f"{name}: expected a folder of texts beside it, got {folder}, which timm pools "
                              f"itself; leave the option out")
    model = timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=0).eval()
    data = timm.data.resolve_model_data_config(model)
    channels, height, width = data["input_size"]
    images = Images(channels, height, width, list(data["mean"]), list(data["std"]),
                    "stretch" if data["crop_mode"] == "squash" else "crop")
    found = Found("timm", folder,
                  [Program("encoder.pt2", model, model, images, {weight_file(folder, folder): ""})])
    if data["crop_pct"] < 1:
        found.notes.append(f"timm cuts out the centre after resizing to {height / data['crop_pct']:.0f} "
                           f"pixels; Lodestone takes the whole height")
    return found
