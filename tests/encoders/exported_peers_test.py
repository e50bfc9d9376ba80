#!/usr/bin/env python3
"""Architectures of transformers, timm and open_clip by the exported door, beside PyTorch: embeddings, and in
double precision every gradient and ten steps of AdamW.

usage: exported_peers_test.py RUN_ENCODER [NAME...]. Each model is made from its configuration with random
weights, exported in train() by torch.export with a dynamic batch and length, and run by RUN_ENCODER
(run_encoder.cpp) on other numbers of rows and tokens. Exit code 77 (skipped) without a Python that has those
libraries; ../support/peers_python.py.
"""
import copy
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import warnings

NEEDS = ["torch", "timm", "transformers", "open_clip", "safetensors"]

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import peers_python  # noqa: E402

peers_python.enter(NEEDS)

import open_clip  # noqa: E402
import timm  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from torch.export.pt2_archive._package import package_pt2  # noqa: E402
from torch.overrides import TorchFunctionMode  # noqa: E402
from transformers import AutoConfig, AutoModel  # noqa: E402

warnings.filterwarnings("ignore")
PROGRAM, WANTED = sys.argv[1], sys.argv[2:]
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
         "vocab_size": 100}


class InDouble(TorchFunctionMode):
    """Computes in double precision where a model asks for float32 (norms, rotary positions), as
    RUN_ENCODER does with float64. AdamW divides by the size of a gradient, and so magnifies what float32
    rounds off small ones."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        func = torch.Tensor.double if func is torch.Tensor.float else func
        wide = [torch.float64 if value is torch.float32 else value for value in args]
        return func(*wide, **{key: torch.float64 if value is torch.float32 else value
                              for key, value in (kwargs or {}).items()})


class Mean(torch.nn.Module):
    """The mean of a text model's token vectors, or the last token's."""

    def __init__(self, model, last=False):
        super().__init__()
        self.model, self.last = model, last

    def forward(self, tokens, mask):
        x = self.model(input_ids=tokens, attention_mask=mask).last_hidden_state
        if self.last:
            return x[torch.arange(x.shape[0], device=x.device), mask.long().sum(1) - 1]
        weight = mask.to(x.dtype).unsqueeze(-1)
        return (x * weight).sum(1) / weight.sum(1).clamp(min=1e-9)


class Pixels(torch.nn.Module):
    """The pooled output of a Hugging Face model of images."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixels):
        out = self.model(pixel_values=pixels)
        return out.last_hidden_state[:, 0] if getattr(out, "pooler_output",
                                                      None) is None else out.pooler_output


def text(kind, last=False, attention="sdpa", **changes):
    config = AutoConfig.for_model(kind, **{**SMALL, **changes})
    config._attn_implementation = attention
    return Mean(AutoModel.from_config(config), last)


def picture(name, **changes):
    return timm.create_model(name, num_classes=0, **changes)


def hugging_face(model, config, **changes):
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
             "image_size": 64, "patch_size": 16}
    return Pixels(model(config(**{**small, **changes})))


TEXTS = {
    "bert": lambda: text("bert"),
    "roberta": lambda: text("roberta", max_position_embeddings=66),
    "xlm-roberta": lambda: text("xlm-roberta", max_position_embeddings=66),
    "distilbert": lambda:
         Mean(AutoModel.from_config(AutoConfig.for_model("distilbert", dim=32, n_layers=2, n_heads=2,
                                                         hidden_dim=64, vocab_size=100))),
    "mpnet": lambda: text("mpnet", attention="eager"),
    "electra": lambda: text("electra", embedding_size=32),
    "albert": lambda: text("albert", embedding_size=16),
    "modernbert": lambda: text("modernbert", pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1,
                               sep_token_id=2),
    "qwen3": lambda: text("qwen3", last=True, num_key_value_heads=1, head_dim=16),
    "qwen2": lambda: text("qwen2", last=True, num_key_value_heads=1),
    "llama": lambda: text("llama", last=True, num_key_value_heads=1),
    "mistral": lambda: text("mistral", last=True, num_key_value_heads=1),
    "gemma3_text": lambda: text("gemma3_text", num_key_value_heads=1, head_dim=16, pad_token_id=0),
}
IMAGES = {
    "resnet18": (lambda: picture("resnet18"), 64),
    "convnext_atto": (lambda: picture("convnext_atto"), 64),
    "efficientnet_b0": (lambda: picture("efficientnet_b0"), 64),
    "mobilenetv3_small_050": (lambda: picture("mobilenetv3_small_050"), 64),
    "vit_tiny_patch16": (lambda: picture("vit_tiny_patch16_224", depth=2, img_size=64), 64),
    "swin_tiny": (lambda: picture("swin_tiny_patch4_window7_224", depths=(1, 1, 1, 1), embed_dim=24,
                                  num_heads=(1, 1, 2, 2)), 224),
    "dinov2": (lambda: picture("vit_small_patch14_dinov2", depth=2, img_size=70), 70),
    "dinov3": (lambda: picture("vit_small_patch16_dinov3", depth=2), 64),
    "siglip_vision": (lambda: hugging_face(transformers.SiglipVisionModel, transformers.SiglipVisionConfig),
                      64),
    "clip_vision": (lambda: hugging_face(transformers.CLIPVisionModel, transformers.CLIPVisionConfig), 64),
    "open_clip_vision":
          (lambda: open_clip.create_model("ViT-B-32", vision_cfg={"layers": 2, "width": 64, "head_width": 32,
                                                                  "patch_size": 16, "image_size": 64},
                                          embed_dim=32).visual, 64),
}


class Clip(torch.nn.Module):
    """A tower of CLIP. The end of a text is its greatest token."""

    def __init__(self, tower, projection):
        super().__init__()
        self.tower, self.projection = tower, projection

    def forward(self, x, mask=None):
        out = self.tower(pixel_values=x) if mask is None else self.tower(input_ids=x * mask,
                                                                         attention_mask=mask)
        return self.projection(out.pooler_output)


class SiglipTexts(torch.nn.Module):
    """SigLIP's tower of texts: padded with token 1 to one length, whose last token is pooled, without a
    mask."""

    def __init__(self, tower):
        super().__init__()
        self.tower = tower

    def forward(self, tokens, mask):
        return self.tower(input_ids=torch.where(mask, tokens, 1)).pooler_output


SIDES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
TEXT_SIDES = {**SIDES, "vocab_size": 100, "max_position_embeddings": 16, "projection_size": 32}
IMAGE_SIDES = {**SIDES, "image_size": 32, "patch_size": 8}


def clip():
    config = transformers.CLIPConfig(text_config={**TEXT_SIDES, "eos_token_id": 2}, vision_config=IMAGE_SIDES,
                                     projection_dim=24)
    model = transformers.CLIPModel(config)
    return Clip(model.vision_model, model.visual_projection), Clip(model.text_model, model.text_projection)


def siglip():
    model = transformers.SiglipModel(transformers.SiglipConfig(text_config=TEXT_SIDES,
                                                               vision_config=IMAGE_SIDES))
    return Pixels(model.vision_model), SiglipTexts(model.text_model)


def exported(model, example, dynamic):
    return torch.export.export(model, example, dynamic_shapes=dynamic, strict=False,
                               prefer_deferred_runtime_asserts_over_guards=True)


def padded(inputs, length):
    missing = max(length - inputs["tokens"].shape[1], 0)
    return torch.nn.functional.pad(inputs["tokens"],
                                   (0, missing)), torch.nn.functional.pad(inputs["mask"], (0, missing))


def without_dropout(model):
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        for key in ("attention_dropout", "dropout_prob", "attention_probs_dropout_prob", "drop_prob",
                    "dropout"):
            if isinstance(getattr(module, key, None), float):
                setattr(module, key, 0.0)
    return model


def tokens(rows, length):
    mask = torch.ones(rows, length, dtype=torch.bool)
    for row in range(1, rows, 2):
        mask[row, length - 1 - row % 3:] = False
    return {"tokens": torch.randint(3, 100, (rows, length)), "mask": mask}


def off(got, expected):
    return ((got - expected).abs().max() / expected.abs().max().clamp_min(1e-30)).item()


class Exported(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        torch.manual_seed(1)

    def ours(self, shape, inputs, encoder=None, **task):
        save_file({name: tensor.contiguous() for name, tensor in inputs.items()},
                  self.folder / "in.safetensors")
        encoder = encoder or {"name": "exported", "file": str(self.folder / "m.pt2")}
        (self.folder / "task.yaml").write_text(json.dumps({**shape, **task, "encoder": encoder}))
        done = subprocess.run([PROGRAM, self.folder / "task.yaml", self.folder / "in.safetensors",
                               self.folder / "out.safetensors"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return load_file(self.folder / "out.safetensors")

    def compare(self, model, example, dynamic, inputs, shape):
        model = without_dropout(model).train()
        self.start = copy.deepcopy(model.state_dict())
        torch.export.save(exported(model, tuple(example.values()), dynamic), self.folder / "m.pt2")
        self.assertLessEqual(off(self.ours(shape, inputs)["z"], model.eval()(*inputs.values()).detach()),
                             1e-5)
        model.train().double()
        inputs = {name: tensor.double() if tensor.is_floating_point()
                  else tensor for name, tensor in inputs.items()}
        z = model(*inputs.values())
        dz = torch.linspace(-1, 1, z.numel(), dtype=torch.float64).view_as(z)
        z.backward(dz)
        ours = self.ours(shape, {**inputs, "dz": dz}, float64=True, training=True)
        self.assertLessEqual(off(ours["z"], z.detach()), 1e-6)
        largest = max(p.grad.abs().max() for p in model.parameters() if p.grad is not None)
        compared = 0
        for name, parameter in model.named_parameters():
            if parameter.grad is None:
                continue
            got = ours["gradient." + name]
            self.assertLessEqual((got - parameter.grad).abs().max().item(),
                                 1e-6 * max(parameter.grad.abs().max(), 1e-3 * largest).item(), name)
            compared += 1
        self.assertGreater(compared, 4)
        self.compare_steps(model, inputs, dz, shape)
        print(f"{self.id().split('.')[-1]}: {compared} gradients, ten steps", flush=True)

    def compare_steps(self, model, inputs, target, shape):
        model.load_state_dict({name: tensor.double() if tensor.is_floating_point()
                               else tensor for name, tensor in self.start.items()})
        matrices, others = ([p for p in model.parameters() if (p.dim() > 1)
                             == wanted] for wanted in (True, False))
        optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.01},
                                       {"params": others, "weight_decay": 0.0}], lr=0.01)
        for _ in range(10):
            optimizer.zero_grad()
            with InDouble():
                z = model(*inputs.values())
            z.backward(z.detach() - target)
            optimizer.step()
        with InDouble():
            expected = model.eval()(*inputs.values()).detach()
        ours = self.ours(shape, {**inputs, "dz": target}, float64=True, steps=10)
        self.assertLessEqual(off(ours["steps"], expected), 1e-5)
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                self.assertLessEqual((ours["steps." + name] - parameter.detach()).abs().max().item(), 1e-6,
                                     name)

    # Both towers of a file with two programs, on rows of both kinds.
    def compare_towers(self, image, text, length, fixed):
        image, text = without_dropout(image).train(), without_dropout(text).train()
        given = tokens(3, length)
        programs = {"image": exported(image, (torch.randn(3, 3, 32, 32),), ({0: BATCH},)),
                    "text": exported(text, tuple(given.values()),
                                     ({0: BATCH} if fixed
                                      else {0: BATCH, 1: torch.export.Dim("length", min=2, max=length)},)
                                     * 2)}
        package_pt2(str(self.folder / "m.pt2"), exported_programs=programs)
        tower = {"name": "exported", "file": str(self.folder / "m.pt2")}
        encoder = {"name": "two_tower", "image": {**tower, "program": "image"},
                   "text": {**tower, "program": "text"}, "embedding": 0}
        inputs = {"pixels": torch.randn(2, 3, 32, 32), **tokens(5, length - 2),
                  "is_text": torch.arange(7) >= 2}
        shape = {"channels": 3, "height": 32, "width": 32, "vocabulary": 100, "max_tokens": length}
        expected = torch.cat((image.eval()(inputs["pixels"]),
                              text.eval()(*padded(inputs, length if fixed else 0)))).detach()
        self.assertLessEqual(off(self.ours(shape, inputs, encoder=encoder)["z"], expected), 1e-5)


def add(name, test):
    if not WANTED or name in WANTED:
        setattr(Exported, "test_" + name.replace("-", "_"), test)


BATCH, LENGTH = torch.export.Dim("batch", min=2, max=4096), torch.export.Dim("length", min=2, max=60)
for name, make in TEXTS.items():
    add(name, lambda self, make=make: self.compare(make(), tokens(3, 8), ({0: BATCH, 1: LENGTH},) * 2,
                                                   tokens(5, 11),
                                                   {"vocabulary": 100, "max_tokens": 60}))
for name, (make, side) in IMAGES.items():
    add(name, lambda self, make=make, side=side: self.compare(
        make(), {"pixels": torch.randn(3, 3, side, side)}, ({0: BATCH},),
                                                              {"pixels": torch.randn(5, 3, side, side)},
        {"channels": 3, "height": side, "width": side}))

add("clip_towers", lambda self: self.compare_towers(*clip(), 16, fixed=False))
add("siglip_towers", lambda self: self.compare_towers(*siglip(), 16, fixed=True))

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
