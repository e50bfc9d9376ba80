"""Pictures with PyTorch and pytorch-metric-learning, as their users train: conv4, P x K batches, the
library's loss and miner.

  python bench/recipes/pictures.py --data data/typefaces --loss supcon --steps 1000
  python bench/recipes/pictures.py --set omniglot --data OMNIGLOT --loss triplet --steps 1000

Same pictures, network, augmentation ranges, batch, steps and learning rate as configs/typefaces*.yaml and
configs/omniglot*.yaml; same measures.
"""
import argparse
import dataclasses
import io
import json
import math
import pathlib
import random
import tarfile
import time
from collections.abc import Callable

import judge
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

Pictures = tuple[Tensor, list[str]]  # n1HW in 0..1 with ink 1, and the name that each is judged or trained by


def pixels(image: Image.Image, side: int) -> Tensor:
    grey = image.convert("L").resize((side, side), Image.Resampling.BOX)
    return torch.frombuffer(bytearray(grey.tobytes()), dtype=torch.uint8).view(1, side, side)


def letters(folder: pathlib.Path, pattern: str, name: str, side: int) -> Pictures:
    """Of WebDataset shards; `name` is "class", or "group", which look-alikes share."""
    pictures, names = [], []
    for shard in sorted(folder.glob(pattern)):
        with tarfile.open(shard) as tar:
            for member in tar:
                data = tar.extractfile(member).read()
                if member.name.endswith(".png"):
                    pictures.append(pixels(Image.open(io.BytesIO(data)), side))
                else:
                    names.append(json.loads(data)[name])
    return torch.stack(pictures).float() / 255, names


def typefaces(folder: pathlib.Path, side: int) -> tuple[Pictures, Pictures]:
    return letters(folder, "train-*.tar", "class", side), letters(folder, "test-*.tar", "group", side)


def characters(folder: pathlib.Path, side: int) -> Pictures:
    """Of a folder per alphabet and character."""
    paths = sorted(folder.rglob("*.png"))
    x = 1 - torch.stack([pixels(Image.open(path), side) for path in paths]).float() / 255
    return x, [path.parent.relative_to(folder).as_posix() for path in paths]


def omniglot(folder: pathlib.Path, side: int) -> tuple[Pictures, Pictures]:
    """A character turned by a quarter, a half and three quarters is another character."""
    x, names = characters(folder / "images_background", side)
    turned = torch.cat([x.rot90(quarter, (2, 3)) for quarter in range(4)])
    return (turned, [f"{name} {quarter}" for quarter in range(4) for name in names]), characters(
        folder / "images_evaluation", side)


@dataclasses.dataclass
class Recipe:
    # (folder, side) to those of training and of the test
    read: Callable[[pathlib.Path, int], tuple[Pictures, Pictures]]
    side: int  # of the network's input
    own_side: int
    mean: float
    std: float
    turn: float  # degrees to either side, as is the slant; the shift is a part of the side
    shift: float
    slant: float


RECIPES = {"typefaces": Recipe(typefaces, side=32, own_side=40, mean=0.2, std=0.35, turn=8, shift=0.06,
                               slant=14),
           "omniglot": Recipe(omniglot, side=35, own_side=105, mean=0.08, std=0.23, turn=10, shift=0.08,
                              slant=11)}


def augmented(x: Tensor, recipe: Recipe) -> Tensor:
    """Turned, shifted, slanted, and scaled by 0.85 to 1.15."""
    n = len(x)

    def uniform(bound: float) -> Tensor:
        return (2 * torch.rand(n) - 1) * bound

    turn, slant = uniform(math.radians(recipe.turn)), torch.tan(uniform(math.radians(recipe.slant)))
    scale = torch.exp(uniform(math.log(1.15)))
    cos, sin = torch.cos(turn) / scale, torch.sin(turn) / scale
    theta = torch.stack([torch.stack([cos, slant * cos - sin, 2 * uniform(recipe.shift)], 1),
                         torch.stack([sin, slant * sin + cos, 2 * uniform(recipe.shift)], 1)], 1)
    return F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)


def prepared(x: Tensor, recipe: Recipe) -> Tensor:
    if x.shape[-1] != recipe.side:
        x = F.interpolate(x, (recipe.side, recipe.side), mode="bilinear", antialias=True, align_corners=False)
    return (x - recipe.mean) / recipe.std


def conv4(side: int) -> nn.Module:
    layers: list[nn.Module] = []
    for inner, outer in zip([1, 32, 64, 128], [32, 64, 128, 256]):
        layers += [nn.Conv2d(inner, outer, 3, padding=1), nn.BatchNorm2d(outer), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * (side // 16) ** 2, 256))


def objective(name: str):
    from pytorch_metric_learning import losses, miners

    return {"supcon": (losses.SupConLoss(temperature=0.05), None),
            "triplet": (losses.TripletMarginLoss(margin=0.2),
                        miners.TripletMarginMiner(margin=0.2, type_of_triplets="semihard")),
            "contrastive": (losses.ContrastiveLoss(pos_margin=0, neg_margin=1), None)}[name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=list(RECIPES), default="typefaces")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("data/typefaces"))
    parser.add_argument("--loss", choices=["supcon", "triplet", "contrastive"], default="supcon")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--learning-rate", type=float, default=0.002)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--own-size", action="store_true", help="move pictures at their own size, then "
                        "shrink them, as lodestone does")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    random.seed(args.seed)

    recipe = RECIPES[args.set]
    (x, names), (test, test_names) = recipe.read(args.data, recipe.own_side if args.own_size else recipe.side)
    (label,), (test_label,) = judge.numbered(names), judge.numbered(test_names)
    by_class = [torch.where(label == c)[0].tolist() for c in range(int(label.max()) + 1)]
    model = conv4(recipe.side)
    loss, miner = objective(args.loss)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, weight_decay=1e-4)
    shape = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 50,
                                    0.5 + 0.5 * math.cos(math.pi * max(0, step - 50) / (args.steps - 50))))
    began = time.perf_counter()
    for _ in range(args.steps):
        classes = random.sample(range(len(by_class)), 64)
        rows = torch.tensor([i for c in classes for i in random.sample(by_class[c], 4)])
        z = model(prepared(augmented(x[rows], recipe), recipe))
        value = loss(z, label[rows], miner(F.normalize(z), label[rows])) if miner else loss(z, label[rows])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        shape.step()
    seconds = time.perf_counter() - began
    model.eval()
    with torch.no_grad():
        z = torch.cat([model(prepared(part, recipe)) for part in test.split(512)])
    judge.show(what=f"pytorch-metric-learning, {args.loss}", seconds=seconds,
               **judge.retrieval(z, test_label))


if __name__ == "__main__":
    main()
