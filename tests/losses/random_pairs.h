#pragma once

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "common/rng.h"
#include "losses/pairs.h"
#include "trainer/losses/loss.h"

namespace lodestone::testing {
using namespace losses;

struct LabelledRows {
  std::vector<std::vector<double>> u;
  std::vector<int> label;
};

inline LabelledRows random_rows(int rows, int classes, Random& random) {
  LabelledRows made;
  for (int i = 0; i < rows; ++i) {
    std::vector<double> row;
    for (int k = 0; k < 4; ++k) row.push_back(random.normal());
    const double norm = std::sqrt(Plain::similarity(row, row));
    for (double& x : row) x /= norm;
    made.u.push_back(row);
    made.label.push_back(classes == rows ? i
                                         : static_cast<int>(random.below(static_cast<uint64_t>(classes))));
  }
  return made;
}

/// Fills rows [first, first + anchors) of `pairs`; equal labels make positives, different ones negatives.
inline void compare(Pairs& pairs, int first, const LabelledRows& anchors, const LabelledRows& references) {
  for (size_t i = 0; i < anchors.u.size(); ++i)
    for (size_t j = 0; j < references.u.size(); ++j) {
      const int row = first + static_cast<int>(i), column = static_cast<int>(j);
      pairs.set(row, column, anchors.u[i], references.u[j]);
      pairs.positive[pairs.at(row, column)] = anchors.label[i] == references.label[j];
      pairs.negative[pairs.at(row, column)] = anchors.label[i] != references.label[j];
    }
}

/// Pairs count 0, 1 or 2 times, positives from both ends alike; anchor 3 has no negatives, anchor 5 no
/// positives.
inline void mine_at_random(Pairs& pairs, Random& random) {
  for (int i = 0; i < pairs.A; ++i)
    for (int j = 0; j < pairs.C; ++j) {
      const double often = static_cast<double>((1 + random.below(4)) / 2);
      pairs.positive[pairs.at(i, j)] *= i == j || i == 5 || j == 5 ? 0 : i < j ? often : 1;
      if (j < i) pairs.positive[pairs.at(i, j)] = pairs.pos(j, i);
      pairs.negative[pairs.at(i, j)] *= i == 3 ? 0 : often;
    }
}

/// Inputs of a loss of this pairing: classes of 0 to many rows, classes without a proxy.
inline Pairs random_pairs(Pairing pairing, uint64_t seed) {
  Random random(seed, Purpose::kNoise);
  const LabelledRows rows = random_rows(17, 6, random), others = random_rows(17, 6, random);
  const LabelledRows proxies = random_rows(5, 5, random);
  switch (pairing) {
    case Pairing::kBatch: {
      Pairs pairs(17, 17);
      compare(pairs, 0, rows, rows);
      mine_at_random(pairs, random);
      return pairs;
    }
    case Pairing::kTowers: {
      Pairs pairs(34, 17);
      compare(pairs, 0, rows, others);
      compare(pairs, 17, others, rows);
      return pairs;
    }
    case Pairing::kProxies: {
      Pairs pairs(17, 5);
      compare(pairs, 0, rows, proxies);
      return pairs;
    }
    case Pairing::kProxyAnchors:
      break;
  }
  Pairs pairs(5, 17);
  compare(pairs, 0, proxies, rows);
  return pairs;
}

/// The same as matrices, float64.
struct Matrices {
  Matrices(const Pairs& pairs, const Loss& loss)
      : positive_ac(matrix(pairs, pairs.positive)), negative_ac(matrix(pairs, pairs.negative)) {
    const at::Tensor distance_ac = matrix(pairs, pairs.distance);
    measure_ac = loss.measure() == Measure::kL2          ? distance_ac
                 : loss.measure() == Measure::kSquaredL2 ? distance_ac * distance_ac
                                                         : matrix(pairs, pairs.similarity);
    value_ac = measure_ac * loss.affine().scale + loss.affine().bias;
  }
  static at::Tensor matrix(const Pairs& pairs, const std::vector<double>& values) {
    at::Tensor out = at::empty({pairs.A, pairs.C}, at::kDouble);
    std::copy(values.begin(), values.end(), out.mutable_data_ptr<double>());
    return out;
  }

  at::Tensor positive_ac, negative_ac, measure_ac, value_ac;
};

}  // namespace lodestone::testing
