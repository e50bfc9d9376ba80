"""Retrieval measures as docs/measures.md defines them: ties count against, a row is never its own
neighbour."""
import json

import torch
import torch.nn.functional as F
from torch import Tensor


def retrieval(query: Tensor, query_label: Tensor, gallery: Tensor | None = None,
              gallery_label: Tensor | None = None) -> dict[str, float]:
    """By cosine. Without a gallery, leave-one-out among the queries."""
    own = gallery is None
    if own:
        gallery, gallery_label = query, query_label
    q, g = F.normalize(query.float(), dim=1), F.normalize(gallery.float(), dim=1)
    best, maps = [], []
    for begin in range(0, len(q), 512):
        s = q[begin:begin + 512] @ g.T
        same = query_label[begin:begin + 512, None] == gallery_label[None]
        if own:
            rows = torch.arange(len(s))
            s[rows, begin + rows] = -2
            same[rows, begin + rows] = False
        relevant = same.sum(1)
        s = torch.where(same, s - 1e-6, s)  # equal scores: the wrong ones come first
        deepest = int(relevant.max())
        if deepest == 0:
            continue
        hit = same.gather(1, s.topk(deepest, dim=1).indices).double()
        precision = hit.cumsum(1) / torch.arange(1, deepest + 1)
        within = torch.arange(deepest)[None] < relevant[:, None]
        average = (precision * hit * within).sum(1) / relevant.clamp(min=1)
        judged = relevant > 0
        best.append(hit[judged, 0])
        maps.append(average[judged])
    return {"queries": int(sum(map(len, best))), "recall_at_1": torch.cat(best).mean().item(),
            "map_at_r": torch.cat(maps).mean().item()}


def numbered(*lists: list[str]) -> list[Tensor]:
    """Labels of several lists as numbers that agree."""
    number = {label: i for i, label in enumerate(sorted(set().union(*lists)))}
    return [torch.tensor([number[label] for label in labels]) for labels in lists]


def show(**figures) -> None:
    print(json.dumps({name: round(value, 4) if isinstance(value, float)
                      else value for name, value in figures.items()}),
          flush=True)
