#!/usr/bin/env python3
"""Our measures beside pytorch-metric-learning's AccuracyCalculator, scikit-learn's and sentence-transformers'
evaluators, on the same embeddings.

usage: peers_test.py ROWS_TO_METRICS (rows_to_metrics.cpp). Exit code 77 (skipped) without these libraries;
../support/peers_python.py.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import peers_python  # noqa: E402

peers_python.enter(["torch", "sklearn", "pytorch_metric_learning", "sentence_transformers", "safetensors"])

import numpy as np  # noqa: E402
import torch  # noqa: E402
from pytorch_metric_learning.distances import CosineSimilarity  # noqa: E402
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator  # noqa: E402
from pytorch_metric_learning.utils.inference import CustomKNN  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from sentence_transformers.evaluation import (  # noqa: E402
    BinaryClassificationEvaluator,
    EmbeddingSimilarityEvaluator,
    InformationRetrievalEvaluator,
    TripletEvaluator,
)
from sentence_transformers.util import cos_sim  # noqa: E402
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score, roc_curve  # noqa: E402

PROGRAM = sys.argv.pop(1)
TOLERANCE = 1e-6


def rows_of(seed, noise):
    """Forty classes of 2 to 21 rows around a centre each."""
    draw = torch.Generator().manual_seed(seed)
    label = torch.cat([torch.full((2 + c % 20,), c) for c in range(40)])
    centre = torch.randn(40, 16, generator=draw)
    return centre[label] + noise * torch.randn(len(label), 16, generator=draw), label


class Rows:
    """A model for sentence-transformers: its sentences are numbers of rows."""

    similarity_fn_name = "cosine"

    def __init__(self, z):
        self.z = z

    def encode(self, sentences, convert_to_tensor=False, **_):
        rows = self.z[torch.tensor([int(s) for s in sentences])]
        return rows if convert_to_tensor else rows.numpy()

    encode_query = encode_document = encode


def theirs(evaluator, z):
    evaluator.store_metrics_in_model_card_data = lambda *_, **__: None
    return evaluator(Rows(z))


def words(rows):
    return [str(int(row)) for row in rows]


class Peers(unittest.TestCase):
    def evaluated(self, z, label, **more):
        with tempfile.TemporaryDirectory() as folder:
            save_file({"z": z, "label": label, **more}, f"{folder}/rows.safetensors")
            return json.loads(subprocess.run([PROGRAM, f"{folder}/rows.safetensors"], check=True,
                                             stdout=subprocess.PIPE).stdout)

    def close(self, ours, name, theirs):
        self.assertLessEqual(abs(ours[name] - theirs), TOLERANCE,
                             f"{name}: ours {ours[name]}, theirs {theirs}")

    def test_measures(self):
        for seed, noise in ((1, 0.3), (2, 1.0), (3, 3.0)):
            with self.subTest(noise=noise):
                z, label = rows_of(seed, noise)
                ours = self.evaluated(z, label)
                self.check_retrieval(ours, z.double(), label)
                unit = torch.nn.functional.normalize(z).double()
                self.check_ranking(ours, (unit @ unit.T).numpy(), label.numpy())
                self.check_verification(ours, (unit @ unit.T).numpy(), label.numpy())

    def check_retrieval(self, ours, z, label):
        include = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
        knn = CustomKNN(CosineSimilarity())
        calculator = AccuracyCalculator(include=include, k="max_bin_count", knn_func=knn,
                                        device=torch.device("cpu"))
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
        self.close(ours, "average_precision", average_precision_score(same, scores[upper]))
        far, tar, _ = roc_curve(same, scores[upper], drop_intermediate=False)
        for limit in (1e-1, 1e-2, 1e-3, 1e-4):
            self.close(ours, f"tar_at_far_{limit:.0e}".replace("e-0", "e-"), tar[far <= limit].max())
        crossing = np.argmax(far >= 1 - tar)
        before, after = (far + tar - 1)[crossing - 1:crossing + 1]
        share = -before / (after - before)
        self.close(ours, "eer", far[crossing - 1] + share * (far[crossing] - far[crossing - 1]))

    def test_information_retrieval(self):
        z, label = rows_of(4, 1.2)
        query = (torch.arange(len(label)) % 3 == 0).long()
        ours = self.evaluated(z, label, query=query)
        gallery = [i for i in range(len(label)) if not query[i]]
        right = {str(q): {str(i) for i in gallery if label[i] == label[q]} for q in range(len(label))
                 if query[q]}
        right = {q: found for q, found in right.items() if found}  # ours leaves lone queries out
        found = theirs(InformationRetrievalEvaluator({q: q for q in right}, {str(i): str(i) for i in gallery},
                                                     right, write_csv=False,
                                                     score_functions={"cosine": cos_sim}), z.double())
        self.assertEqual(ours["queries"], len(right))
        for name, other in (("recall_at_1", "accuracy@1"), ("recall_at_5", "accuracy@5"),
                            ("recall_at_10", "accuracy@10"),
                            ("precision_at_1", "precision@1"), ("mrr_at_10", "mrr@10"),
                            ("ndcg_at_10", "ndcg@10")):
            self.close(ours, name, found[f"cosine_{other}"])

    def test_pairs_and_triplets(self):
        z, label = rows_of(5, 1.5)
        draw = torch.Generator().manual_seed(6)
        graded = torch.randint(len(label), (300, 2), generator=draw)
        grade = torch.randint(6, (300,), generator=draw).double()  # with ties
        triplets = torch.randint(len(label), (300, 3), generator=draw)
        triplets = triplets[(triplets[:, 1] != triplets[:, 2]) & (triplets[:, 0] != triplets[:, 2])]
        ours = self.evaluated(z, label, graded=graded, grade=grade, triplets=triplets)
        wide = z.double()
        found = theirs(EmbeddingSimilarityEvaluator(*map(words, graded.T), grade.tolist(),
                                                    similarity_fn_names=["cosine"],
                                                    write_csv=False), wide)
        self.close(ours, "spearman", found["spearman_cosine"])
        found = theirs(TripletEvaluator(*map(words, triplets.T), similarity_fn_names=["cosine"],
                                        write_csv=False), wide)
        self.close(ours, "triplet_accuracy", found["cosine_accuracy"])
        upper = np.triu_indices(len(label), 1)
        same = (label[upper[0]] == label[upper[1]]).long().tolist()
        found = theirs(BinaryClassificationEvaluator(words(upper[0]), words(upper[1]), same,
                                                     similarity_fn_names=["cosine"],
                                                     write_csv=False), wide)
        self.close(ours, "average_precision", found["cosine_ap"])


if __name__ == "__main__":
    unittest.main()
