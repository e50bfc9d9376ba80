"""MODULE:FUNCTION: a module of the user's own."""
import importlib
import os
import sys

import torch

from .errors import ExportError
from .found import Found, Images, Program, Texts


def load(name, options):
    module_name, _, function_name = name.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError) as error:
        raise ExportError(f"SOURCE: expected a function {function_name} of a module {module_name}, got none "
                          f"({error}); run this where the module "
                          "can be imported") from error
    model = function()
    if not isinstance(model, torch.nn.Module):
        raise ExportError(f"SOURCE: expected {name}() to return a torch.nn.Module, got "
                          f"{type(model).__name__}; return the model")
    if (options.image_size is None) == (options.max_tokens is None):
        raise ExportError(f"{name}: expected one of --image-size N (images) and --max-tokens N (texts), got "
                          f"{'none' if options.image_size is None else 'both'}; say which the model takes")
    for option, text in ((options.pooling, "--pooling"), (options.left_padding, "--left-padding")):
        if option:
            raise ExportError(f"{text}: expected a folder, got {name}, whose forward does it itself; leave "
                              f"the option out")
    model = model.float().eval()
    if options.image_size is not None:
        inputs = Images(3, options.image_size, options.image_size, [0.5] * 3, [0.5] * 3)
        return Found("function", None, [Program("encoder.pt2", model, model, inputs)])
    vocabulary = options.vocabulary or next((m.num_embeddings for m in model.modules()
                                             if isinstance(m, torch.nn.Embedding)), None)
    if vocabulary is None:
        raise ExportError(f"{name}: expected a torch.nn.Embedding, whose size is the number of tokens, got "
                          f"none; give --vocabulary N")
    return Found("function", None,
                 [Program("encoder.pt2", model,
                          lambda tokens: model(tokens, torch.ones_like(tokens, dtype=torch.bool)),
                          Texts(options.max_tokens, vocabulary))])
