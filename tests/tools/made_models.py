"""Folders of small models with random weights, as their libraries save them, and data for them. A library is
imported where it is used."""
import json
import random

WORDS = (
    "card money lost where when pay rate bill open close account my is the fee limit travel how do i".split())
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "##s", "##ing"]
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
         "max_position_embeddings": 64}
SIDE = 64


def bert(folder):
    """BertModel of transformers with its tokenizer."""
    import torch
    import transformers
    torch.manual_seed(1)
    transformers.BertModel(transformers.BertConfig(vocab_size=len(VOCABULARY), **SMALL)).save_pretrained(
        folder)
    vocabulary(folder)
    tokenizer = transformers.BertTokenizer(str(folder / "vocab.txt"))
    tokenizer.model_max_length = 64
    tokenizer.save_pretrained(folder)
    return folder


def vocabulary(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("".join(word + "\n" for word in VOCABULARY))
    return folder


def sentences(folder, base):
    """BERT, its mean, a dense layer and Normalize, with a prompt."""
    from sentence_transformers import SentenceTransformer, models
    parts = [models.Transformer(str(base), max_seq_length=32), models.Pooling(32, "mean"),
             models.Dense(32, 16), models.Normalize()]
    SentenceTransformer(modules=parts, prompts={"query": "query: "}).save(str(folder))
    return folder


def timm_folder(folder, name="resnet18"):
    import timm
    import torch
    from timm.models._hub import save_for_hf
    torch.manual_seed(1)
    model = timm.create_model(name, num_classes=3)
    model.pretrained_cfg |= {"input_size": (3, SIDE, SIDE), "crop_pct": 1.0}
    folder.parent.mkdir(parents=True, exist_ok=True)
    save_for_hf(model, folder, safe_serialization=True)
    return folder


def clip_folder(folder):
    import open_clip
    import torch
    from safetensors.torch import save_file
    torch.manual_seed(1)
    towers = {"embed_dim": 16, "vision_cfg": {"layers": 2, "width": 32, "head_width": 16, "patch_size": 16,
                                              "image_size": SIDE},
              "text_cfg": {"context_length": 24, "vocab_size": 100, "width": 32, "heads": 2, "layers": 2}}
    prepared = {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28], "interpolation": "bicubic",
                "resize_mode": "shortest"}
    folder.mkdir(parents=True)
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": towers, "preprocess_cfg": prepared}))
    state = open_clip.CLIP(**towers).state_dict()
    save_file({name: value.contiguous() for name, value in state.items()},
              folder / "open_clip_model.safetensors")
    return vocabulary(folder)


def texts(folder):
    """pairs.tsv and questions.txt of the vocabulary's words, of different lengths."""
    draw = random.Random(1)
    lines = [" ".join(draw.choices(WORDS, k=3 + i % 9)) for i in range(80)]
    (folder / "pairs.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in zip(lines[::2], lines[1::2])))
    (folder / "questions.txt").write_text("".join(line + "\n" for line in lines[:12]))
    return lines[:12]


def pictures(folder):
    """photos/CLASS/N.png in colour, of the models' own size, and captions.tsv that names them."""
    import numpy
    from PIL import Image
    draw = numpy.random.default_rng(1)
    rows = ["path\tcaption"]
    for label in range(8):
        (folder / "photos" / str(label)).mkdir(parents=True)
        base = draw.integers(0, 200, (SIDE, SIDE, 3))
        for number in range(6):
            file = folder / "photos" / str(label) / f"{number}.png"
            Image.fromarray((base + draw.integers(0, 55, base.shape)).astype("uint8")).save(file)
            rows.append(f"photos/{label}/{number}.png\t{WORDS[label]} {WORDS[number]} "
                        f"{WORDS[(label + number) % len(WORDS)]}")
    (folder / "captions.tsv").write_text("\n".join(rows) + "\n")
