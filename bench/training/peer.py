"""PyTorch DDP over gloo with pytorch-metric-learning, one rank of two: peer.py CASE FILE.safetensors OPTIONS

Started by torchrun. The loop is the one of PML's documentation for distributed training. Rank 0 prints one
JSON line.
"""
import argparse
import json
import statistics
import time

import torch
import torch.distributed as dist
from pytorch_metric_learning import losses
from pytorch_metric_learning.utils import distributed as pml_dist
from safetensors.torch import load_file
from torch.nn.parallel import DistributedDataParallel

from cases import CASES


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case")
    parser.add_argument("rows")
    parser.add_argument("weights")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--bfloat16", action="store_true")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    case = next(case for case in CASES if case.key == given.case)
    layout = torch.channels_last if given.channels_last else torch.contiguous_format
    model = case.model()
    case.load(model, load_file(given.weights))
    model = model.to(memory_format=layout)
    model = DistributedDataParallel(model)
    loss_of = pml_dist.DistributedLossWrapper(losses.SupConLoss(temperature=case.temperature))
    # No decay of norms and biases, as in Lodestone.
    matrices = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": case.weight_decay},
                                   {"params": others, "weight_decay": 0.0}], lr=case.learning_rate)
    file = load_file(given.rows)
    share = slice(case.rows * rank // world, case.rows * (rank + 1) // world)
    batches = [(x[share].contiguous(memory_format=layout), y[share].contiguous())
               for x, y in zip(file["pixels"], file["label"])]
    seconds, values = [], []
    for step in range(given.warm_up + given.steps):
        start = time.perf_counter()
        x, y = batches[step % len(batches)]
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=given.bfloat16):
            z = model(x)
        loss = loss_of(z.float(), y)
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
        # the wrapper multiplies by the ranks, over which DDP averages the gradients
        values.append(loss.item() / world)
    if rank == 0:
        median = statistics.median(seconds[given.warm_up:])
        print(json.dumps({"seconds": median, "samples_per_second": case.rows / median, "losses": values}),
              flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
