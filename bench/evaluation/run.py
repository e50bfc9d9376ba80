#!/usr/bin/env python3
"""Evaluation and exact search beside other libraries, on the same rows and threads; figures in docs/speed.md.

usage: run.py PROGRAM [--rows N] [--gallery N] [--queries N]     PROGRAM: build/tests/eval/evaluation_speed

Needs torch, pytorch-metric-learning, safetensors and faiss-cpu (the peers of ./dev bench peers). Retrieval:
AccuracyCalculator as its users run it, once with its default (faiss) and once by its own brute force in
torch. Search: faiss' IndexFlatIP.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "support"))
import peers_python  # noqa: E402

peers_python.enter(["torch", "pytorch_metric_learning", "safetensors", "faiss"])

import faiss  # noqa: E402
import torch  # noqa: E402
from pytorch_metric_learning.distances import CosineSimilarity  # noqa: E402
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator  # noqa: E402
from pytorch_metric_learning.utils.inference import CustomKNN  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

WIDTH, PER_CLASS = 128, 10


def timed(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def ours(program, mode, path):
    return json.loads(subprocess.run([program, mode, path], check=True, stdout=subprocess.PIPE).stdout)


def retrieval(program, rows, folder):
    draw = torch.Generator().manual_seed(1)
    label = torch.arange(rows) // PER_CLASS
    z = torch.randn(rows // PER_CLASS + 1, WIDTH,
                    generator=draw)[label] + 1.5 * torch.randn(rows, WIDTH, generator=draw)
    z = torch.nn.functional.normalize(z)
    path = f"{folder}/rows.safetensors"
    save_file({"z": z, "label": label}, path)
    found = ours(program, "retrieval", path)
    print(f"retrieval of {rows} x {WIDTH}, {found['threads']} threads: ours {found['seconds']:.2f} s, "
          f"MAP@R {found['map_at_r']:.6f}, recall@1 {found['recall_at_1']:.6f}")
    include = ("precision_at_1", "mean_average_precision_at_r")
    for name, knn in (("faiss", None), ("torch", CustomKNN(CosineSimilarity(), batch_size=1024))):
        calculator = AccuracyCalculator(include=include, k="max_bin_count", knn_func=knn,
                                        device=torch.device("cpu"))
        seconds, theirs = timed(lambda: calculator.get_accuracy(z, label))  # noqa: B023
        print(f"  AccuracyCalculator, {name}: {seconds:.2f} s, {seconds / found['seconds']:.2f} x ours, "
              f"MAP@R {theirs['mean_average_precision_at_r']:.6f}, precision@1 "
              f"{theirs['precision_at_1']:.6f}")


def search(program, gallery, queries, folder):
    draw = torch.Generator().manual_seed(2)
    g = torch.nn.functional.normalize(torch.randn(gallery, WIDTH, generator=draw))
    q = torch.nn.functional.normalize(torch.randn(queries, WIDTH, generator=draw))
    path = f"{folder}/search.safetensors"
    save_file({"g": g, "q": q}, path)
    found = ours(program, "search", path)
    index = faiss.IndexFlatIP(WIDTH)
    index.add(g.numpy())
    seconds, (_, theirs) = timed(lambda: index.search(q.numpy(), 10))
    same = (load_file(f"{path}.found")["index"] == torch.from_numpy(theirs)).double().mean().item()
    print(f"10 nearest of {queries} in {gallery} x {WIDTH}: ours {found['seconds']:.2f} s, the products "
          f"alone "
          f"{found['products_seconds']:.2f} s ({found['seconds'] / found['products_seconds']:.3f} x), faiss "
          f"IndexFlatIP {seconds:.2f} s "
          f"({seconds / found['seconds']:.2f} x ours); {100 * same:.3f} % of the answers are the same")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--gallery", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        search(arguments.program, arguments.gallery, arguments.queries, folder)
        retrieval(arguments.program, arguments.rows, folder)


if __name__ == "__main__":
    main()
