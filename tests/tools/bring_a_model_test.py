#!/usr/bin/env python3
"""The stories of docs/bring-a-model.md, command by command, and what their libraries compute with the folders
that come out.

usage: bring_a_model_test.py LODESTONE. Exit code 77 (skipped) without a Python that has the libraries;
../support/peers_python.py.
"""
import json
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE)]
import peers_python  # noqa: E402

peers_python.enter(["torch", "safetensors", "transformers", "sentence_transformers", "timm", "open_clip",
                    "numpy", "PIL"])

import numpy  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors import safe_open  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

import made_models  # noqa: E402
from stage import ROOT, Stage  # noqa: E402

sys.path.append(str(ROOT / "tests/docs"))
from pages import blocks, commands  # noqa: E402

PROGRAM = sys.argv[1]
PAGE = ROOT / "docs/bring-a-model.md"


def story(heading):
    """The commands below a heading of the page."""
    first = next(i for i, line in enumerate(PAGE.read_text().splitlines(), 1) if line == "## " + heading)
    after = [i for i, line in enumerate(PAGE.read_text().splitlines(), 1) if line.startswith("## ")
             and i > first] or [10**9]
    found = [c for block in blocks(PAGE) if first < block.line < after[0]
             and not block.language for c in commands(block)]
    assert len(found) > 3, heading
    return found


def off(got, expected):
    return float(numpy.abs(got - expected).max() / numpy.abs(expected).max())


def pixels(path, mean, std):
    x = torch.from_numpy(numpy.array(Image.open(path))).permute(2, 0, 1).float() / 255
    return (x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


def unit(z):
    return torch.nn.functional.normalize(z, dim=-1).numpy()


class Stories(unittest.TestCase):
    def setUp(self):
        self.stage = Stage(PROGRAM)
        self.addCleanup(self.stage.close)
        self.folder = self.stage.folder

    def play(self, heading):
        for command in story(heading):
            self.stage.bash(command)

    def rows(self, name):
        """Embeddings by the place of their samples."""
        lines = (self.folder / f"{name}.rows.jsonl").read_text().splitlines()
        return dict(zip((json.loads(line)["id"] for line in lines),
                        load_file(self.folder / name)["embeddings"].numpy()))

    def embedded(self, name):
        return load_file(self.folder / name)["embeddings"].numpy()

    def test_sentence_transformers(self):
        from sentence_transformers import SentenceTransformer
        texts = made_models.texts(self.folder)
        made_models.sentences(self.folder / "models/minilm", made_models.bert(self.folder / "models/bert"))
        self.play("A folder of sentence-transformers")
        # The commands of the page, then the library's own outputs.
        for name, folder in (("before", "models/minilm"), ("after", "minilm-trained")):
            expected = SentenceTransformer(str(self.folder / folder), device="cpu").encode(texts)
            self.assertLessEqual(off(self.embedded(name + ".safetensors"), expected), 1e-6, name)
        self.assertGreater(off(self.embedded("after.safetensors"), self.embedded("before.safetensors")), 1e-4)
        again = SentenceTransformer(str(self.folder / "minilm-trained"), device="cpu")
        self.assertEqual(again.prompts["query"], "query: ")

    def test_timm(self):
        import timm
        made_models.pictures(self.folder)
        made_models.timm_folder(self.folder / "models/resnet18")
        self.play("A backbone of timm")
        for name, folder in (("before", "models/resnet18"), ("after", "resnet18-trained")):
            model = timm.create_model(f"local-dir:{self.folder / folder}", pretrained=True,
                                      num_classes=0).eval()
            data = timm.data.resolve_model_data_config(model)
            for place, z in self.rows(name + ".safetensors").items():
                with torch.no_grad():
                    expected = unit(model(pixels(self.folder / "photos" / place, data["mean"],
                                                 data["std"]).unsqueeze(0)))
                self.assertLessEqual(off(z[None], expected), 1e-5, (name, place))
        before, after = (load_file(self.folder / f
                                   / "model.safetensors") for f in ("models/resnet18", "resnet18-trained"))
        self.assertEqual(before.keys(), after.keys())
        self.assertFalse(before["bn1.running_mean"].equal(after["bn1.running_mean"]))
        self.assertTrue(before["fc.weight"].equal(after["fc.weight"]))

    def test_open_clip(self):
        import open_clip
        made_models.pictures(self.folder)
        made_models.clip_folder(self.folder / "models/clip")
        lines = made_models.texts(self.folder)
        self.play("A model of open_clip")
        ids = {word: i for i, word in enumerate(made_models.VOCABULARY)}
        mean, std = (json.loads((self.folder / "models/clip/open_clip_config.json").read_text())[
            "preprocess_cfg"][key] for key in ("mean", "std"))
        for name, folder in (("before", "models/clip"), ("after", "clip-trained")):
            model = open_clip.create_model(f"local-dir:{self.folder / folder}").eval()
            with torch.no_grad():
                for place, z in self.rows(f"{name}.safetensors").items():
                    expected = unit(model.encode_image(pixels(self.folder / "photos" / place, mean,
                                                              std).unsqueeze(0)))
                    self.assertLessEqual(off(z[None], expected), 1e-5, (name, place))
                tokens = torch.zeros(len(lines), 24, dtype=torch.long)
                for row, line in enumerate(lines):
                    found = [2, *(ids[word] for word in line.split()), 3]
                    tokens[row, :len(found)] = torch.tensor(found)
                self.assertLessEqual(off(self.embedded(f"{name}-texts.safetensors"),
                                         unit(model.encode_text(tokens))), 1e-5, name)
        with safe_open(self.folder / "clip-trained/open_clip_model.safetensors", "pt") as written:
            self.assertIn("logit_scale", written.keys())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
