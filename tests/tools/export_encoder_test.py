#!/usr/bin/env python3
"""tools/export_encoder.py and export --format huggingface beyond the stories of docs/bring-a-model.md: other
sources, adapters, shards, types, the library's own encoders, and refusals.

usage: export_encoder_test.py LODESTONE. Exit code 77 (skipped) without a Python that has the libraries;
../support/peers_python.py.
"""
import importlib.util
import json
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE)]
import peers_python  # noqa: E402

peers_python.enter(["torch", "safetensors", "transformers", "numpy"])

import numpy  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

import made_models  # noqa: E402
from stage import ROOT, Stage  # noqa: E402

PROGRAM = sys.argv[1]
TOOL = "python3 tools/export_encoder.py"
OF_FUNCTION = """
import torch
class Bag(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.words = torch.nn.Embedding(30, 8)
    def forward(self, tokens, mask):
        weight = mask.unsqueeze(-1).float()
        return (self.words(tokens) * weight).sum(1) / weight.sum(1)
def bag():
    torch.manual_seed(2)
    return Bag()
def number():
    return 3
"""


def have(module):
    """Whether the library is there; if not, the test that needs it says so."""
    if importlib.util.find_spec(module) is None:
        print(f"skipped: this Python lacks {module}", flush=True)
        return False
    return True


def off(got, expected):
    return float(numpy.abs(got - expected).max() / numpy.abs(expected).max())


class ExportEncoder(unittest.TestCase):
    def setUp(self):
        self.stage = Stage(PROGRAM)
        self.addCleanup(self.stage.close)
        self.folder, self.bash = self.stage.folder, self.stage.bash
        self.texts = made_models.texts(self.folder)

    def embed(self, model):
        self.bash(f"build/lodestone embed {model} --input questions.txt --output z.safetensors")
        return load_file(self.folder / "z.safetensors")["embeddings"].numpy()

    def mean(self, model, folder):
        """Unit means of token vectors, text by text."""
        tokenizer, rows = transformers.AutoTokenizer.from_pretrained(folder), []
        with torch.no_grad():
            for text in self.texts:
                rows.append(model(**tokenizer(text, return_tensors="pt")).last_hidden_state.mean(1))
        return torch.nn.functional.normalize(torch.cat(rows), dim=-1).numpy()

    def train(self, model, *sets):
        self.bash(f"build/lodestone train {model} --set data.train.path=pairs.tsv "
                  + " ".join(f"--set '{one}'" for one in sets))

    def test_transformers_in_shards_and_of_16_bits(self):
        made_models.bert(self.folder / "bert")
        said = self.bash(f"{TOOL} bert --output mine")
        self.assertIn("--pooling mean was taken", said)
        self.assertRegex(said, r"differs from the original by \d\.\de-\d\d")
        self.assertLessEqual(off(self.embed("mine/lodestone.yaml"),
                                 self.mean(transformers.AutoModel.from_pretrained(self.folder / "bert"),
                                           self.folder / "bert")), 1e-6)
        self.train("mine/lodestone.yaml")
        self.bash("build/lodestone export runs/mine --format huggingface --output out --shard-size 0.00003")
        index = json.loads((self.folder / "out/model.safetensors.index.json").read_text())
        self.assertGreater(len(set(index["weight_map"].values())), 2)
        trained = self.embed("runs/mine")
        out = transformers.AutoModel.from_pretrained(self.folder / "out")
        self.assertLessEqual(off(trained, self.mean(out, self.folder / "out")), 1e-6)
        if have("sentence_transformers"):
            from sentence_transformers import SentenceTransformer
            self.assertLessEqual(off(trained, SentenceTransformer(str(self.folder / "out"),
                                                                  device="cpu").encode(self.texts)), 1e-6)
        # The shards are read, too.
        said = self.bash(f"{TOOL} out --output again")
        self.assertNotIn("not found in the safetensors", said)
        self.assertLessEqual(off(self.embed("again/lodestone.yaml"), trained), 1e-6)
        self.bash("build/lodestone export again/lodestone.yaml --format huggingface --output half "
                  "--weights-type bfloat16")
        half = load_file(self.folder / "half/model.safetensors")
        self.assertEqual({x.dtype for x in half.values() if x.is_floating_point()}, {torch.bfloat16})
        self.assertEqual(json.loads((self.folder / "half/config.json").read_text())["dtype"], "bfloat16")
        self.assertLess(off(self.mean(transformers.AutoModel.from_pretrained(self.folder / "half").float(),
                                      self.folder / "half"), trained), 0.02)

    def test_adapters(self):
        if not have("peft"):
            self.skipTest("no peft")
        import peft
        made_models.bert(self.folder / "bert")
        said = self.bash(f"{TOOL} bert --output mine --lora r=4,dropout=0.1,targets=query,value")
        self.assertIn(" 1,024 weights to train", said)
        self.train("mine/lodestone.yaml")
        trained = self.embed("runs/mine")
        self.bash("build/lodestone export runs/mine --format huggingface --output merged")
        self.bash("build/lodestone export runs/mine --format huggingface --output alone --adapters alone")
        merged = transformers.AutoModel.from_pretrained(self.folder / "merged")
        self.assertLessEqual(off(trained, self.mean(merged, self.folder / "bert")), 1e-6)
        self.assertFalse((self.folder / "alone/model.safetensors").exists())
        base = transformers.AutoModel.from_pretrained(self.folder / "bert")
        self.assertGreater(off(trained, self.mean(base, self.folder / "bert")), 1e-5)
        adapted = peft.PeftModel.from_pretrained(base, str(self.folder / "alone")).eval()
        self.assertLessEqual(off(trained, self.mean(adapted, self.folder / "bert")), 1e-6)

    def test_left_padding_and_the_last_token(self):
        config = transformers.Qwen3Config(vocab_size=30, num_key_value_heads=1, head_dim=16, pad_token_id=0,
                                          **made_models.SMALL)
        torch.manual_seed(1)
        transformers.Qwen3Model(config).save_pretrained(self.folder / "decoder")
        made_models.vocabulary(self.folder / "decoder")
        for output, more in (("right", ""), ("left", " --left-padding")):
            self.assertIn("--pooling last was taken", self.bash(f"{TOOL} decoder --output {output}{more}"))
        self.assertLessEqual(off(self.embed("left/lodestone.yaml"), self.embed("right/lodestone.yaml")), 1e-6)

    def test_the_tokenizer_of_open_clip(self):
        if not have("open_clip"):
            self.skipTest("no open_clip")
        import open_clip
        import tokenizers
        sys.path.append(str(ROOT / "tools"))
        from encoder_export.clip_tokenizer import tokenizer_json
        folder = made_models.clip_folder(self.folder / "clip")
        theirs = open_clip.get_tokenizer(f"local-dir:{folder}")
        ours = tokenizers.Tokenizer.from_str(json.dumps(tokenizer_json(folder)))
        for text in ("a photo of a cat", "Hello,  World! it's 2024's",
                     "na\u00efve Caf\u00e9 \u2014 \u65e5\u672c\u8a9e 123abc", "x" * 20,
                     " lead\ttab\nline ", "\U0001f600\U0001f44d\U0001f3fd"):
            ids = theirs([text])[0].tolist()
            self.assertEqual(ours.encode(text).ids, ids[:ids.index(theirs.eot_token_id) + 1], text)

    def test_a_function(self):
        (self.folder / "mine.py").write_text(OF_FUNCTION)
        made_models.vocabulary(self.folder / "words")
        self.bash(f"{TOOL} mine:bag --output bag --max-tokens 16 --tokenizer words")
        self.assertEqual(self.embed("bag/lodestone.yaml").shape, (12, 8))
        self.train("bag/lodestone.yaml")
        said = self.bash("build/lodestone export runs/bag --format huggingface --output out", expected=2)
        self.assertIn("bag/export.json", said)

    def test_an_encoder_of_the_library(self):
        made_models.bert(self.folder / "bert")
        (self.folder / "bert.yaml").write_text(
            "run_dir: runs/bert\nglobal_batch: 16\nencoder: {name: bert, init_from: bert}\nloss: {name: "
                                               "infonce}\noptimizer: {name: adamw}\n"
            "data: {kind: texts, text: {format: pairs, tokenizer: {path: bert/vocab.txt, max_tokens: 32}}}\n")
        self.train("bert.yaml")
        self.bash("build/lodestone export runs/bert --format huggingface --output out")
        model = transformers.AutoModel.from_pretrained(self.folder / "out")
        self.assertLessEqual(off(self.embed("runs/bert"), self.mean(model, self.folder / "out")), 1e-6)
        modules = json.loads((self.folder / "out/modules.json").read_text())
        self.assertEqual([module["type"].rsplit(".")[-1] for module in modules],
                         ["Transformer", "Pooling", "Normalize"])
        # A head has no place there.
        self.train("bert.yaml", "encoder.head={kind: linear, embedding: 8}", "run_dir=runs/head")
        said = self.bash("build/lodestone export runs/head --format huggingface --output headed", expected=2)
        self.assertIn("head.weight", said)
        self.assertFalse((self.folder / "headed").exists())

    def test_refusals(self):
        made_models.vocabulary(self.folder / "words")
        (self.folder / "mine.py").write_text(OF_FUNCTION)
        for arguments, words in {"nowhere": "download the model first",
                                 "words": "expected open_clip_config.json", "mine:none": "a function none",
                                 "mine:number --max-tokens 9": "torch.nn.Module",
                                 "mine:bag": "--image-size N",
                                 "mine:bag --max-tokens 9 --lora r=2,targets=words": "expected linear layers",
                                 "mine:bag --max-tokens 9 --lora targets=words":
                                 "--lora: expected r=16"}.items():
            self.assertIn(words, self.bash(f"{TOOL} {arguments} --output refused", expected=1), arguments)
        self.assertIn("new or empty", self.bash(f"{TOOL} mine:bag --max-tokens 9 --output words", expected=1))
        said = self.bash("build/lodestone export runs/x --format safetensors --output x --adapters alone",
                         expected=2)
        self.assertIn("--adapters: expected --format huggingface", said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
