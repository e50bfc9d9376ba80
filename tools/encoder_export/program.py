"""The export of a module as a program that Lodestone trains, and its comparison with the original."""
import warnings

import torch

from .errors import ExportError
from .found import Texts

CHECKED = {"texts": "texts of 1 to 9 tokens, padded together and each alone", "images": "5 images"}
TOLERANCE = 1e-4
# Operators that depend on train() and eval(): the argument that says so, by place.
MODES = {"aten.dropout.default": 2, "aten.dropout_.default": 2, "aten.feature_dropout.default": 2,
         "aten.alpha_dropout.default": 2,
         "aten.feature_alpha_dropout.default": 2, "aten.batch_norm.default": 5,
         "aten.native_batch_norm.default": 5,
         "aten.cudnn_batch_norm.default": 5, "aten.instance_norm.default": 5}


def example(program, rows, length):
    """Random inputs; the rows of texts have different lengths, the first one the whole."""
    if not isinstance(program.inputs, Texts):
        images = program.inputs
        return (torch.randn(rows, images.channels, images.height, images.width),)
    length = min(length, program.inputs.max_tokens)
    mask = torch.ones(rows, length, dtype=torch.bool)
    for row in range(1, rows):
        mask[row, max(1, length - 2 * row):] = False
    tokens = torch.randint(min(5, program.inputs.vocabulary - 1), program.inputs.vocabulary, (rows, length))
    if program.inputs.end is not None:
        tokens.scatter_(1, mask.sum(1, keepdim=True) - 1, program.inputs.end)
    return tokens, mask


def freeze_unused(program):
    """Takes the gradient from weights that the embedding does not depend on (an unused pooler), and returns
    their names."""
    module = program.module.eval()
    if not any(weight.requires_grad for weight in module.parameters()):
        raise ExportError(f"{program.file}: expected weights to train, got a model without weights that take "
                          f"a gradient; set requires_grad on some")
    with torch.enable_grad():
        module(*example(program, 2, 6)).float().square().sum().backward()
    unused = [name for name, weight in module.named_parameters() if weight.requires_grad
              and weight.grad is None]
    for name, weight in module.named_parameters():
        weight.grad = None
        if name in unused:
            weight.requires_grad_(False)
    return unused


def export(program, path):
    """Writes the program, exported in train(), so that dropout and batch norm follow Lodestone's mode."""
    batch = torch.export.Dim("batch", min=2, max=65536)
    dynamic = ({0: batch},)
    if isinstance(program.inputs, Texts):
        length = torch.export.Dim("length", min=2, max=program.inputs.max_tokens)
        dynamic = ({0: batch, 1: length},) * 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exported = torch.export.export(program.module.train(), example(program, 3, 8),
                                           dynamic_shapes=dynamic, strict=False,
                                           prefer_deferred_runtime_asserts_over_guards=True)
        except Exception as error:  # of any kind: what a model does is unknown
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise ExportError(f"{program.file}: expected a model that torch.export {torch.__version__} can "
                              f"export with any number of rows, got "
                              f"{type(error).__name__}: {reason[0]}; simplify its forward, and name it as "
                              f"MODULE:FUNCTION") from error
        torch.export.save(exported, path)


def in_eval(module):
    """Makes a loaded program behave as the model in eval()."""
    for part in module.modules():
        for node in getattr(getattr(part, "graph", None), "nodes", []):
            target = str(node.target)
            if target in MODES:
                values = list(node.args)
                values[MODES[target]] = False
                node.args = tuple(values)
            elif target == "aten.scaled_dot_product_attention.default":
                node.args, node.kwargs = (*node.args[:4], *((0.0,) if len(node.args) > 4 else ()),
                                          *node.args[5:]), {
                    key: 0.0 if key == "dropout_p" else value for key, value in node.kwargs.items()}
            elif target == "aten.bernoulli_.float":  # stochastic depth: all rows are kept
                node.target = torch.ops.aten.fill_.Scalar
                node.kwargs = {}
        if hasattr(part, "recompile"):
            part.recompile()
    return module


@torch.no_grad()
def check(program, path):
    """The largest difference between the written program and the original, relative to the largest number; an
    error beyond TOLERANCE. Text by text, since the original then needs no padding."""
    torch.manual_seed(1)
    inputs = example(program, 5, 9)
    z = in_eval(torch.export.load(path).module())(*inputs)
    program.module.eval()
    if isinstance(program.inputs, Texts):
        tokens, mask = inputs
        expected = torch.cat([program.original(row[kept].unsqueeze(0)) for row, kept in zip(tokens, mask)])
    else:
        expected = program.original(*inputs)
    if z.shape != expected.shape or z.dim() != 2:
        raise ExportError(f"{program.file}: expected one row for each example, as the original gives "
                          f"[{', '.join(map(str, expected.shape))}], got "
                          f"[{', '.join(map(str, z.shape))}]; return the embeddings alone")
    worst = ((z - expected).abs().max() / expected.abs().max().clamp_min(1e-30)).item()
    if not worst <= TOLERANCE:
        hint = "; texts that are padded on the left need --left-padding" if isinstance(
            program.inputs, Texts) else ""
        raise ExportError(f"{program.file}: expected the original's embeddings to {TOLERANCE:.0e} of their "
                          f"largest number, got a difference of "
                          f"{worst:.1e}{hint}; a model whose eval() can not be told from its train() can not "
                          f"be exported")
    return worst
