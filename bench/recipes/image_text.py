"""Pictures and captions with open_clip's loss and PyTorch: a small convolutional tower and a bag of tokens.

  python bench/recipes/image_text.py --data data/emoji --vocabulary data/emoji/vocabulary.txt --steps 600

Same pictures, captions, towers, batch, steps and learning rate as configs/emoji.yaml; same measures.
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
from PIL import Image
from torch import Tensor, nn


def read(shard: pathlib.Path, side: int) -> tuple[Tensor, list[list[str]]]:
    pictures, captions = [], []
    with tarfile.open(shard) as tar:
        for member in tar:
            data = tar.extractfile(member).read()
            if member.name.endswith(".png"):
                image = Image.open(io.BytesIO(data)).convert("RGB").resize((side, side), Image.Resampling.BOX)
                pictures.append(torch.frombuffer(bytearray(image.tobytes()),
                                                 dtype=torch.uint8).view(side, side, 3).permute(2, 0, 1))
            else:
                captions.append(json.loads(data)["captions"])
    return torch.stack(pictures).float() / 127.5 - 1, captions


class Towers(nn.Module):
    def __init__(self, vocabulary: int, side: int, width: int = 128) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inner, outer in zip([3, 32, 64, 128], [32, 64, 128, 256]):
            layers += [nn.Conv2d(inner, outer, 3, padding=1), nn.BatchNorm2d(outer), nn.ReLU(),
                       nn.MaxPool2d(2)]
        self.image = nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * (side // 16) ** 2, width))
        self.text = nn.EmbeddingBag(vocabulary, width, mode="mean", padding_idx=0)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("data/emoji"))
    parser.add_argument("--vocabulary", required=True)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--batch", type=int, default=256, help="pictures, each with one of its captions")
    parser.add_argument("--learning-rate", type=float, default=0.001)
    parser.add_argument("--shuffled", action="store_true", help="the control: captions dealt out anew before "
                        "training")
    args = parser.parse_args()
    torch.set_num_threads(2)
    torch.manual_seed(1)
    random.seed(1)
    from open_clip.loss import ClipLoss
    from transformers import BertTokenizerFast

    tokenizer = BertTokenizerFast(vocab=args.vocabulary)

    def tokens(texts: list[str]) -> Tensor:
        return tokenizer(texts, padding=True, truncation=True, max_length=32, return_tensors="pt").input_ids

    x, captions = read(args.data / "train-00000.tar", args.side)
    if args.shuffled:
        random.shuffle(captions)
    model, loss = Towers(len(tokenizer), args.side), ClipLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, weight_decay=1e-4)
    shape = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 50,
                                    0.5 + 0.5 * math.cos(math.pi * max(0, step - 50) / (args.steps - 50))))
    began = time.perf_counter()
    for _ in range(args.steps):
        rows = random.sample(range(len(x)), args.batch)
        z = nn.functional.normalize(model.image(x[rows]), dim=1)
        y = nn.functional.normalize(model.text(tokens([random.choice(captions[i]) for i in rows])), dim=1)
        optimizer.zero_grad()
        loss(z, y, model.logit_scale.clamp(0, math.log(100)).exp()).backward()
        optimizer.step()
        shape.step()
    seconds = time.perf_counter() - began

    test, test_captions = read(args.data / "test-00000.tar", args.side)
    model.eval()
    with torch.no_grad():
        z = torch.cat([model.image(part) for part in test.split(512)])
        y = model.text(tokens([text for own in test_captions for text in own]))
    picture = torch.arange(len(test))
    owner = torch.tensor([i for i, own in enumerate(test_captions) for _ in own])
    to_text, to_image = judge.retrieval(z, picture, y, owner), judge.retrieval(y, owner, z, picture)
    judge.show(what="open_clip's loss", shuffled=args.shuffled, seconds=seconds, pictures=len(test),
               texts=len(owner),
               image_to_text_recall_at_1=to_text["recall_at_1"],
               text_to_image_recall_at_1=to_image["recall_at_1"],
               text_to_image_mrr=to_image["map_at_r"])


if __name__ == "__main__":
    main()
