#!/usr/bin/env python3
"""Our measures beside pytorch-metric-learning's AccuracyCalculator and scikit-learn's, on the same embeddings.

usage: peers_test.py JUDGE_ROWS (judge_rows.cpp). Exit code 77 (skipped) without these libraries; ../support/peers_python.py.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import peers_python  # noqa: E402

peers_python.enter(["torch", "sklearn", "pytorch_metric_learning", "safetensors"])

import numpy as np  # noqa: E402
import torch  # noqa: E402
from pytorch_metric_learning.distances import CosineSimilarity  # noqa: E402
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator  # noqa: E402
from pytorch_metric_learning.utils.inference import CustomKNN  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from sklearn.metrics import ndcg_score, roc_auc_score, roc_curve  # noqa: E402

PROGRAM = sys.argv.pop(1)
TOLERANCE = 1e-6


def rows_of(seed, noise):
    """Forty classes of 2 to 21 rows around a centre each."""
    draw = torch.Generator().manual_seed(seed)
    label = torch.cat([torch.full((2 + c % 20,), c) for c in range(40)])
    centre = torch.randn(40, 16, generator=draw)
    return centre[label] + noise * torch.randn(len(label), 16, generator=draw), label


class Peers(unittest.TestCase):
    def judged(self, z, label):
        with tempfile.TemporaryDirectory() as folder:
            save_file({"z": z, "label": label}, f"{folder}/rows.safetensors")
            return json.loads(subprocess.run([PROGRAM, f"{folder}/rows.safetensors"], check=True, stdout=subprocess.PIPE).stdout)

    def close(self, ours, name, theirs):
        self.assertLessEqual(abs(ours[name] - theirs), TOLERANCE, f"{name}: ours {ours[name]}, theirs {theirs}")

    def test_measures(self):
        for seed, noise in ((1, 0.3), (2, 1.0), (3, 3.0)):
            with self.subTest(noise=noise):
                z, label = rows_of(seed, noise)
                ours = self.judged(z, label)
                self.check_retrieval(ours, z.double(), label)
                unit = torch.nn.functional.normalize(z).double()
                self.check_ranking(ours, (unit @ unit.T).numpy(), label.numpy())
                self.check_verification(ours, (unit @ unit.T).numpy(), label.numpy())

    def check_retrieval(self, ours, z, label):
        include = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
        knn = CustomKNN(CosineSimilarity())
        calculator = AccuracyCalculator(include=include, k="max_bin_count", knn_func=knn, device=torch.device("cpu"))
        theirs = calculator.get_accuracy(z, label)
        self.close(ours, "precision_at_1", theirs["precision_at_1"])
        self.close(ours, "r_precision", theirs["r_precision"])
        self.close(ours, "map_at_r", theirs["mean_average_precision_at_r"])

    def check_ranking(self, ours, scores, label):
        others = ~np.eye(len(label), dtype=bool)
        relevant = (label[:, None] == label)[others].reshape(len(label), -1)
        theirs = ndcg_score(relevant, scores[others].reshape(len(label), -1), k=10)
        self.close(ours, "ndcg_at_10", theirs)

    def check_verification(self, ours, scores, label):
        upper = np.triu_indices(len(label), 1)
        same = (label[:, None] == label)[upper]
        self.close(ours, "roc_auc", roc_auc_score(same, scores[upper]))
        far, tar, _ = roc_curve(same, scores[upper], drop_intermediate=False)
        for limit in (1e-1, 1e-2, 1e-3, 1e-4):
            self.close(ours, f"tar_at_far_{limit:.0e}".replace("e-0", "e-"), tar[far <= limit].max())
        crossing = np.argmax(far >= 1 - tar)
        before, after = (far + tar - 1)[crossing - 1:crossing + 1]
        share = -before / (after - before)
        self.close(ours, "eer", far[crossing - 1] + share * (far[crossing] - far[crossing - 1]))


if __name__ == "__main__":
    unittest.main()
