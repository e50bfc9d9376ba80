"""The contestants. Each function takes the rows and gives a Task: one loss with its gradients.

Libraries are imported inside, so that a worker holds only what it measures. All losses are by
unit rows: where a library does not normalise by itself, normalising is part of the task.
"""
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Rows = dict[str, Tensor]


@dataclass
class Task:
    """A loss as a function of leaves: the rows of the first tower and whatever else is learned."""

    rows: list[Tensor]
    others: list[Tensor]
    loss: Callable[[], Tensor]

    def run(self) -> Tensor:
        """Forward and backward."""
        for leaf in self.rows + self.others:
            leaf.grad = None
        loss = self.loss()
        loss.backward()
        return loss

    def gradient_norm(self) -> float:
        """Of the gradient by the rows of the first tower."""
        return math.sqrt(sum(leaf.grad.double().square().sum().item() for leaf in self.rows))


def leaf(x: Tensor) -> Tensor:
    return x.detach().clone().requires_grad_()


def of_batch(rows: Rows, loss: Callable[[Tensor, Tensor], Tensor]) -> Task:
    """A task whose loss takes rows and labels."""
    z, label = leaf(rows["z"]), rows["label"]
    return Task([z], [], lambda: loss(z, label))


def of_towers(rows: Rows, loss: Callable[..., Tensor], *learned: float) -> Task:
    """A task whose loss takes the unit rows of two towers, and learned numbers."""
    x, y = leaf(rows["z"]), leaf(rows["z2"])
    numbers = [leaf(torch.tensor(value)) for value in learned]

    def whole() -> Tensor:
        return loss(F.normalize(x), F.normalize(y), *numbers)

    return Task([x], [y, *numbers], whole)


# --------------------------------------------------------------------------- two views, two towers
def torch_nt_xent(rows: Rows) -> Task:
    """Rows 2i and 2i + 1 are each other's positives."""
    def loss(z: Tensor, label: Tensor) -> Tensor:
        u = F.normalize(z)
        logits = (u @ u.T / 0.07).fill_diagonal_(-math.inf)
        return F.cross_entropy(logits, torch.arange(len(label)) ^ 1)

    return of_batch(rows, loss)


def lightly_nt_xent(rows: Rows) -> Task:
    from lightly.loss import NTXentLoss

    loss = NTXentLoss(temperature=0.07)
    views = [leaf(rows["z"][0::2]), leaf(rows["z"][1::2])]
    return Task(views, [], lambda: loss(*views))


def torch_clip(rows: Rows) -> Task:
    def loss(x: Tensor, y: Tensor, log_scale: Tensor) -> Tensor:
        logits = log_scale.exp() * x @ y.T
        right = torch.arange(len(x))
        return (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2

    return of_towers(rows, loss, -math.log(0.07))


def open_clip_clip(rows: Rows) -> Task:
    from open_clip.loss import ClipLoss

    loss = ClipLoss()
    return of_towers(rows, lambda x, y, c: loss(x, y, c.exp()), -math.log(0.07))


def open_clip_siglip(rows: Rows) -> Task:
    from open_clip.loss import SigLipLoss

    loss = SigLipLoss()
    return of_towers(rows, lambda x, y, c, b: loss(x, y, c.exp(), b), math.log(10.0), -10.0)


def ranking(rows: Rows, **options: object) -> Task:
    """MultipleNegativesRankingLoss on embeddings, past its encoder; its cos_sim normalises."""
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    loss = MultipleNegativesRankingLoss(torch.nn.Identity(), scale=20.0, **options)
    x, y = leaf(rows["z"]), leaf(rows["z2"])
    return Task([x], [y], lambda: loss.compute_loss_from_embeddings([x, y], rows["label"]))


def ranking_one_way(rows: Rows) -> Task:
    return ranking(rows)


def ranking_both_ways(rows: Rows) -> Task:
    directions = ("query_to_doc", "doc_to_query")
    return ranking(rows, directions=directions, partition_mode="per_direction")


# --------------------------------------------------------------------------- labels, plain torch
def torch_supcon(rows: Rows) -> Task:
    def loss(z: Tensor, label: Tensor) -> Tensor:
        u = F.normalize(z)
        logits = (u @ u.T / 0.1).fill_diagonal_(-math.inf)
        positive = (label[:, None] == label).fill_diagonal_(False)
        likely = (logits - logits.logsumexp(1, keepdim=True)).masked_fill(~positive, 0)
        return -(likely.sum(1) / positive.sum(1)).mean()

    return of_batch(rows, loss)


def torch_batch_hard(rows: Rows) -> Task:
    """Picks indices without a graph; the graph is that of N triplets alone."""
    def loss(z: Tensor, label: Tensor) -> Tensor:
        u = F.normalize(z)
        with torch.no_grad():
            near = u @ u.T
            same = label[:, None] == label
            negative = near.masked_fill(same, -math.inf).argmax(1)
            positive = near.masked_fill_(~same, math.inf).argmin(1)
        cost = F.relu((u - u[positive]).norm(dim=1) - (u - u[negative]).norm(dim=1) + 0.2)
        return cost.sum() / (cost > 0).sum().clamp(min=1)

    return of_batch(rows, loss)


# --------------------------------------------------------------------------- labels, PML
def pml(rows: Rows, loss: Callable[..., Tensor], miner: Callable | None = None) -> Task:
    if miner is None:
        return of_batch(rows, loss)
    return of_batch(rows, lambda z, label: loss(z, label, miner(z, label)))


def pml_nt_xent(rows: Rows) -> Task:
    from pytorch_metric_learning.losses import NTXentLoss

    return pml(rows, NTXentLoss(temperature=0.07))


def pml_supcon(rows: Rows) -> Task:
    from pytorch_metric_learning.losses import SupConLoss

    return pml(rows, SupConLoss(temperature=0.1))


def pml_triplet(rows: Rows, miner: Callable | None = None) -> Task:
    from pytorch_metric_learning.losses import TripletMarginLoss

    return pml(rows, TripletMarginLoss(margin=0.2), miner)


def pml_batch_hard(rows: Rows) -> Task:
    from pytorch_metric_learning.miners import BatchHardMiner

    return pml_triplet(rows, BatchHardMiner())


def pml_easy_semi_hard(rows: Rows) -> Task:
    """An anchor's nearest positive and, of the negatives farther than that, the nearest."""
    from pytorch_metric_learning.miners import BatchEasyHardMiner

    return pml_triplet(rows, BatchEasyHardMiner(pos_strategy="easy", neg_strategy="semihard"))


def pml_all_semi_hard(rows: Rows) -> Task:
    """Every semi-hard triplet."""
    from pytorch_metric_learning.miners import TripletMarginMiner

    return pml_triplet(rows, TripletMarginMiner(margin=0.2, type_of_triplets="semihard"))


def pml_multi_similarity(rows: Rows) -> Task:
    from pytorch_metric_learning.losses import MultiSimilarityLoss

    return pml(rows, MultiSimilarityLoss(alpha=2, beta=50, base=0.5))


def pml_mined_multi_similarity(rows: Rows) -> Task:
    """Anchors without pairs do not count, as in Lodestone; PML's own default counts them."""
    from pytorch_metric_learning.losses import MultiSimilarityLoss
    from pytorch_metric_learning.miners import MultiSimilarityMiner
    from pytorch_metric_learning.reducers import AvgNonZeroReducer

    loss = MultiSimilarityLoss(alpha=2, beta=50, base=0.5, reducer=AvgNonZeroReducer())
    return pml(rows, loss, MultiSimilarityMiner(epsilon=0.1))


def pml_circle(rows: Rows) -> Task:
    from pytorch_metric_learning.losses import CircleLoss

    return pml(rows, CircleLoss(m=0.4, gamma=80))


def pml_contrastive(rows: Rows) -> Task:
    from pytorch_metric_learning.losses import ContrastiveLoss

    return pml(rows, ContrastiveLoss(pos_margin=0, neg_margin=1))
