"""Low-rank adapters of peft in a module: the base is frozen, the adapters are learned."""
import torch

from .errors import ExportError, need

MEANING = "r=16,targets=q_proj,v_proj"


def parse(text):
    """{"r", "alpha", "dropout", "targets"} of an option like MEANING."""
    head, given, targets = text.partition("targets=")
    settings = {"targets": [name for name in targets.split(",") if name]}
    try:
        for part in filter(None, head.split(",")):
            key, _, value = part.partition("=")
            settings[{"r": "r", "alpha": "alpha", "dropout": "dropout"}[key]] = float(
                value) if key == "dropout" else int(value)
    except (KeyError, ValueError) as error:
        raise ExportError(f"--lora: expected {MEANING}, with alpha and dropout before targets, got {text}; "
                          f"correct it") from error
    if not given or not settings["targets"] or settings.get("r", 0) < 1 or not 0 <= settings.get(
        "dropout", 0) < 1:
        raise ExportError(f"--lora: expected {MEANING} with r of at least 1, got {text}; correct it")
    settings.setdefault("alpha", 2 * settings["r"])
    settings.setdefault("dropout", 0.0)
    return settings


def layers_of(module, targets):
    """The layers whose names end in a target."""
    found = {name: layer for name, layer in module.named_modules() if name
             and any(("." + name).endswith("." + t) for t in targets)}
    for name, layer in found.items():
        if not isinstance(layer, torch.nn.Linear):
            raise ExportError(f"--lora: expected linear layers as targets, got {name}, a "
                              f"{type(layer).__name__}; name others")
    return found


def inject(program, settings, names):
    """Puts adapters into the program's module and moves the names of its weights' record (record.py) to the
    base layers. Returns what is needed to write the adapters or to merge them."""
    peft = need("peft")
    layers = list(layers_of(program.module, settings["targets"]))
    if not layers:
        linear = sorted({name.rsplit(".", 1)[-1] for name, m in program.module.named_modules()
                         if isinstance(m, torch.nn.Linear)})
        raise ExportError(f"--lora: expected targets that {program.file} has, got "
                          f"{', '.join(settings['targets'])}; its linear layers are named "
                          + ", ".join(linear))
    config = peft.LoraConfig(r=settings["r"], lora_alpha=settings["alpha"], lora_dropout=settings["dropout"],
                             target_modules=layers)
    for weight in program.module.parameters():
        weight.requires_grad_(False)
    peft.inject_adapter_in_model(config, program.module)
    for theirs in names.values():
        for name, ours in theirs.items():
            layer, _, last = ours.rpartition(".")
            if layer in layers:
                theirs[name] = f"{layer}.base_layer.{last}"
    prefix = next(iter(program.weights.values()), "")
    about = {"peft_type": "LORA", "r": settings["r"], "lora_alpha": settings["alpha"],
             "lora_dropout": settings["dropout"],
             "target_modules": settings["targets"], "bias": "none", "fan_in_fan_out": False,
             "inference_mode": True, "task_type": "FEATURE_EXTRACTION"}
    return {"scaling": settings["alpha"] / settings["r"], "prefix": prefix, "layers": layers, "config": about}
