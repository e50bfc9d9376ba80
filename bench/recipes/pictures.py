"""Pictures with PyTorch and pytorch-metric-learning, as their users train: conv4, P x K batches, the library's loss and miner.

  python bench/recipes/pictures.py --data data/typefaces --loss supcon --steps 1000

Same pictures, network, augmentation ranges, batch, steps and learning rate as configs/typefaces*.yaml; same measures.
"""
import argparse
import io
import json
import math
import pathlib
import random
import tarfile
import time

import judge
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

SIDE, OWN_SIDE = 32, 40


def read(folder: pathlib.Path, pattern: str, side: int) -> tuple[Tensor, list[str], list[str]]:
    """(pictures n1HW in 0..1, classes, groups) of WebDataset shards."""
    pictures, classes, groups = [], [], []
    for shard in sorted(folder.glob(pattern)):
        with tarfile.open(shard) as tar:
            for member in tar:
                data = tar.extractfile(member).read()
                if member.name.endswith(".png"):
                    image = Image.open(io.BytesIO(data)).resize((side, side), Image.Resampling.BOX)
                    pictures.append(torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(1, side, side))
                else:
                    about = json.loads(data)
                    classes.append(about["class"])
                    groups.append(about["group"])
    return torch.stack(pictures).float() / 255, classes, groups


def augmented(x: Tensor) -> Tensor:
    """Turn by 8 degrees, shift by 6 %, scale by 0.85 to 1.15, slant by 14 degrees, to either side."""
    n = len(x)

    def uniform(bound: float) -> Tensor:
        return (2 * torch.rand(n) - 1) * bound

    turn, slant = uniform(math.radians(8)), torch.tan(uniform(math.radians(14)))
    scale = torch.exp(uniform(math.log(1.15)))
    cos, sin = torch.cos(turn) / scale, torch.sin(turn) / scale
    theta = torch.stack([torch.stack([cos, slant * cos - sin, 2 * uniform(0.06)], 1),
                         torch.stack([sin, slant * sin + cos, 2 * uniform(0.06)], 1)], 1)
    return F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)


def shrunk(x: Tensor) -> Tensor:
    return x if x.shape[-1] == SIDE else F.interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)


def conv4() -> nn.Module:
    layers: list[nn.Module] = []
    for inner, outer in zip([1, 32, 64, 128], [32, 64, 128, 256]):
        layers += [nn.Conv2d(inner, outer, 3, padding=1), nn.BatchNorm2d(outer), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * (SIDE // 16) ** 2, 256))


def objective(name: str):
    from pytorch_metric_learning import losses, miners

    return {"supcon": (losses.SupConLoss(temperature=0.05), None),
            "triplet": (losses.TripletMarginLoss(margin=0.2), miners.TripletMarginMiner(margin=0.2, type_of_triplets="semihard")),
            "contrastive": (losses.ContrastiveLoss(pos_margin=0, neg_margin=1), None)}[name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("data/typefaces"))
    parser.add_argument("--loss", choices=["supcon", "triplet", "contrastive"], default="supcon")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--learning-rate", type=float, default=0.002)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--own-size", action="store_true", help="move pictures at their own size, then shrink them, as lodestone does")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    random.seed(args.seed)

    side = OWN_SIDE if args.own_size else SIDE
    x, names, _ = read(args.data, "train-*.tar", side)
    (label,) = judge.numbered(names)
    by_class = [torch.where(label == c)[0].tolist() for c in range(int(label.max()) + 1)]
    test, _, groups = read(args.data, "test-*.tar", side)
    (group,) = judge.numbered(groups)
    model = conv4()
    loss, miner = objective(args.loss)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, weight_decay=1e-4)
    shape = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 50, 0.5 + 0.5 * math.cos(math.pi * max(0, step - 50) / (args.steps - 50))))
    began = time.perf_counter()
    for _ in range(args.steps):
        classes = random.sample(range(len(by_class)), 64)
        rows = torch.tensor([i for c in classes for i in random.sample(by_class[c], 4)])
        z = model((shrunk(augmented(x[rows])) - 0.2) / 0.35)
        value = loss(z, label[rows], miner(F.normalize(z), label[rows])) if miner else loss(z, label[rows])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        shape.step()
    seconds = time.perf_counter() - began
    model.eval()
    with torch.no_grad():
        z = torch.cat([model((shrunk(part) - 0.2) / 0.35) for part in test.split(512)])
    judge.show(what=f"pytorch-metric-learning, {args.loss}", seconds=seconds, **judge.retrieval(z, group))


if __name__ == "__main__":
    main()
