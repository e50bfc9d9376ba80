#!/usr/bin/env python3
"""Records small programs of torch.export and what PyTorch computes with them: NAME.pt2 and NAME.safetensors
beside this file.

usage: record.py [FOLDER]. Needs torch and safetensors; the tests need neither. Values: the inputs, `eval`,
`train` (z of the model in train(), its dropouts having probability 0 unless the name says so), `dz`, and
`gradient.` and `after.` of each tensor (running statistics after one pass in train()); in double precision
`steps.` of each tensor and `steps`, z in eval(), after ten steps of AdamW towards dz. `towers` has two
programs, `image` and `text`; `convolutions-2.15` is `convolutions` as PyTorch 2.15 writes it.
"""
import copy
import io
import json
import pathlib
import sys
import zipfile

import torch
from safetensors.torch import save_file
from torch import nn
from torch.export.pt2_archive._package import package_pt2

FOLDER = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent


class Convolutions(nn.Module):
    """Batch norms, one of them without weight and bias, whose epsilons differ; a dropout of planes and one of
    features."""

    def __init__(self, p):
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, bias=False)
        self.norm = nn.BatchNorm2d(8, eps=1e-3, momentum=0.2)
        self.planes = nn.Dropout2d(p)
        self.second = nn.Conv2d(8, 8, 3, groups=2)
        self.plain = nn.BatchNorm2d(8, affine=False)
        self.drop = nn.Dropout(p)
        self.head = nn.Linear(8, 6)

    def forward(self, pixels):
        x = self.planes(self.norm(self.first(pixels)).relu())
        return self.head(self.drop(self.plain(self.second(x)).relu().mean((2, 3))))


class Block(nn.Module):
    """Attention with grouped heads and rotary positions, and stochastic depth as timm writes it."""

    def __init__(self, width, heads, p, depth):
        super().__init__()
        self.heads, self.p, self.depth = heads, p, depth
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.kv = nn.Linear(width, width), nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def dropped(self, x):
        if self.depth == 0 or not self.training:
            return x
        keep = 1 - self.depth
        noise = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep)
        return x * noise.div_(keep)

    def attend(self, x, mask):
        b, t, width = x.shape
        size = width // self.heads
        q = self.q(x).view(b, t, self.heads, size).transpose(1, 2)
        k, v = self.kv(x).view(b, t, 2, self.heads // 2, size).permute(2, 0, 3, 1, 4).unbind(0)
        angle = torch.arange(t, device=x.device).float()[:, None] / 10 ** torch.arange(
            size // 2, device=x.device).float()
        cos, sin = angle.cos().repeat(1, 2), angle.sin().repeat(1, 2)

        def rotated(y):
            first, second = y.chunk(2, -1)
            return y * cos + torch.cat((-second, first), -1) * sin

        p = self.p if self.training else 0.0
        y = nn.functional.scaled_dot_product_attention(rotated(q), rotated(k), v, attn_mask=mask, dropout_p=p,
                                                       enable_gqa=True)
        return self.out(y.transpose(1, 2).reshape(b, t, width))

    def forward(self, x, mask):
        x = x + self.dropped(self.attend(self.norm1(x), mask))
        return x + self.dropped(self.down(nn.functional.gelu(self.up(self.norm2(x)))))


class Texts(nn.Module):
    """A small transformer with a tied matrix: the embedding of tokens is also the last projection."""

    def __init__(self, p, depth=0.0, last=False, blocks=1):
        super().__init__()
        self.tokens = nn.Embedding(50, 16)
        self.blocks = nn.ModuleList(Block(16, 4, p, depth) for _ in range(blocks))
        self.drop = nn.Dropout(p)
        self.output = nn.Linear(16, 50, bias=False)
        self.output.weight = self.tokens.weight
        self.last = last

    def forward(self, tokens, mask):
        allowed = mask[:, None, None, :]
        if self.last:
            t = tokens.shape[1]
            allowed = allowed & torch.ones(t, t, dtype=torch.bool, device=tokens.device).tril()
        x = self.drop(self.tokens(tokens))
        for block in self.blocks:
            x = block(x, allowed)
        if self.last:
            return x[torch.arange(x.shape[0], device=x.device), mask.long().sum(1) - 1]
        x = self.output(x)
        weight = mask.to(x.dtype).unsqueeze(-1)
        return (x * weight).sum(1) / weight.sum(1)


def rows_of_texts(rows, length):
    tokens = torch.randint(0, 50, (rows, length))
    return tokens, torch.arange(length)[None] < torch.randint(1, length + 1, (rows,))[:, None]


def exported(model, example, shapes):
    return torch.export.export(model, example, dynamic_shapes=shapes, strict=False,
                               prefer_deferred_runtime_asserts_over_guards=True)


def packed(programs):
    """The bytes of torch.export.save, or of a file of several programs, without the paths of this machine
    that stack traces have."""
    file = io.BytesIO()
    package_pt2(file, exported_programs=programs)
    out = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for entry in old.infolist():
            name = "program/" + entry.filename.split("/", 1)[1]
            data = old.read(entry)
            if "sample_inputs" in name:
                continue
            if name.startswith("program/models/"):
                tree = json.loads(data)
                for node in tree["graph_module"]["graph"]["nodes"]:
                    node["metadata"] = {key: value for key, value in node["metadata"].items()
                                        if key == "nn_module_stack"}
                data = json.dumps(tree, separators=(",", ":")).encode()
            new.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def record(name, model, example, inputs, shapes, values=True, training=True):
    torch.manual_seed(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    model.train(training)
    (FOLDER / f"{name}.pt2").write_bytes(packed({"model": exported(model, example, shapes)}))
    if not values:
        return
    start = copy.deepcopy(model.state_dict())
    keys = ["pixels"] if len(inputs) == 1 else ["tokens", "mask"]
    out = {key: value.clone() for key, value in zip(keys, inputs)}
    out["eval"] = model.eval()(*inputs).detach()
    model.train()
    z = model(*inputs)
    out["train"] = z.detach()
    out["dz"] = torch.linspace(-1, 1, z.numel()).view_as(z)
    z.backward(out["dz"])
    for key, parameter in model.named_parameters():
        out["gradient." + key] = parameter.grad
    for key, buffer in model.named_buffers():
        if buffer.is_floating_point():
            out["after." + key] = buffer.clone()
    model.load_state_dict(start)
    out |= ten_steps(model, inputs, out["dz"])
    save(name, out)


def save(name, values):
    save_file({key: value.contiguous() for key, value in values.items()}, FOLDER / f"{name}.safetensors")


def ten_steps(model, inputs, target):
    model.double().train()
    inputs = [x.double() if x.is_floating_point() else x for x in inputs]
    matrices, others = ([p for p in model.parameters() if (p.dim() > 1)
                         == wanted] for wanted in (True, False))
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.01},
                                   {"params": others, "weight_decay": 0.0}], lr=0.01)
    for _ in range(10):
        optimizer.zero_grad()
        z = model(*inputs)
        z.backward(z.detach() - target.double())
        optimizer.step()
    tensors = [*model.named_parameters(),
               *((name, b) for name, b in model.named_buffers() if b.is_floating_point())]
    out = {"steps": model.eval()(*inputs).detach()}
    return out | {"steps." + name: tensor.detach().clone() for name, tensor in tensors}


def record_towers(pixels, texts):
    """As CLIP: a tower of images and one of texts, of one width, in one file. The texts' is exported for 9
    tokens."""
    image, text = Convolutions(0.0).train(), Texts(0.0, last=True).train()
    image.head = nn.Linear(8, 16)
    programs = {"image": exported(image, (torch.randn(3, 1, 16, 16),), pixels),
                "text": exported(text, rows_of_texts(3, 9), ({0: texts[0][0]},) * 2)}
    (FOLDER / "towers.pt2").write_bytes(packed(programs))
    tokens, mask = rows_of_texts(4, 9)
    mask[:, 7:] = False
    values = {"pixels": torch.randn(5, 1, 16, 16), "tokens": tokens, "mask": mask}
    values["image"], values["text"] = image.eval()(values["pixels"]).detach(), text.eval()(
        tokens, mask).detach()
    save("towers", values)


def main():
    torch.manual_seed(1)
    batch, length = torch.export.Dim("batch", min=2, max=4096), torch.export.Dim("length", min=2, max=512)
    pixels, texts = ({0: batch},), ({0: batch, 1: length},) * 2
    one_image, images = (torch.randn(3, 1, 16, 16),), (torch.randn(5, 1, 16, 16),)
    record("convolutions", Convolutions(0.0), one_image, images, pixels)
    record("convolutions-dropout", Convolutions(0.25), one_image, images, pixels, values=False)
    record("convolutions-eval", Convolutions(0.25), one_image, images, pixels, values=False, training=False)
    record("texts", Texts(0.0, blocks=2), rows_of_texts(3, 6), rows_of_texts(5, 9), texts)
    record("texts-last", Texts(0.0, last=True), rows_of_texts(3, 6), rows_of_texts(5, 9), texts)
    record("texts-dropout", Texts(0.2, depth=0.3, blocks=2), rows_of_texts(3, 6), rows_of_texts(5, 9), texts,
           values=False)
    record_towers(pixels, texts)
    record("fixed-batch", Convolutions(0.0), one_image, images, None, values=False)


if __name__ == "__main__":
    main()
