"""The rows that every contestant is given, as a safetensors file."""
import pathlib

import numpy as np
from safetensors.numpy import save_file

# How many rows a class has, by the name of the kind of rows.
KINDS = {"fours": 4, "pairs": 2, "towers": 1}
CLASSES_TOGETHER = 8  # so many classes lie near each other: hard negatives


def write_rows(folder: pathlib.Path, kind: str, size: int, width: int) -> pathlib.Path:
    """z [N, D], label [N] and for two towers z2 [N, D], a function of kind, N and D.

    Cosines are near 0.7 within a class, 0.4 between classes that lie together and 0 else, so that
    margins and miners have something to do. The rows are not normalised.
    """
    random = np.random.default_rng([size, width])
    label = np.arange(size) // KINDS[kind]
    near = random.standard_normal((size, width))[label // CLASSES_TOGETHER]
    own = random.standard_normal((size, width))[label]
    tensors = {"label": label.astype(np.int64)}
    for name in ("z", "z2") if kind == "towers" else ("z",):
        noise = random.standard_normal((size, width))
        rows = np.sqrt(0.4) * near + np.sqrt(0.3) * own + np.sqrt(0.3) * noise
        tensors[name] = rows.astype(np.float32)
    path = folder / f"{kind}-{size}-{width}.safetensors"
    save_file(tensors, path)
    return path
