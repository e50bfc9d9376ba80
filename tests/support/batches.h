#pragma once

#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "common/rng.h"
#include "trainer/negatives/tiles/row_set.h"

namespace lodestone::testing {
using namespace negatives;

inline at::Tensor integers(const std::vector<int64_t>& values) {
  at::Tensor out = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), out.mutable_data_ptr<int64_t>());
  return out;
}

inline at::Tensor random_rows(int64_t rows, int64_t width, uint64_t seed) {
  Random random(seed, Purpose::kNoise);
  at::Tensor z = at::empty({rows, width}, at::kDouble);
  for (int64_t i = 0; i < z.numel(); ++i) z.mutable_data_ptr<double>()[i] = random.normal();
  return z;
}

/// A batch with classes of 1 to 4 rows in random order, some look-alike classes and a repeated sample: all
/// the cases that the masks must distinguish.
inline LocalRows random_batch(int64_t rows, int64_t width, uint64_t seed) {
  Random random(seed, Purpose::kSampler);
  std::vector<int64_t> label, group, id;
  for (int64_t i = 0; i < rows; ++i) {
    label.push_back(
        static_cast<int64_t>(random.below(static_cast<uint64_t>(std::max<int64_t>(rows / 3, 1)))));
    group.push_back(label.back() == 1 ? 0 : label.back());
    id.push_back(i);
  }
  if (rows > 4) id[4] = id[0];
  return {random_rows(rows, width, seed), integers(label), integers(group), integers(id)};
}

/// Rows [begin, begin + count) of a batch.
inline LocalRows share(const LocalRows& all, int64_t begin, int64_t count) {
  return {all.z_bD.narrow(0, begin, count), all.label_b.narrow(0, begin, count),
          all.group_b.narrow(0, begin, count), all.id_b.narrow(0, begin, count)};
}

/// Ways to divide `rows` among `world` ranks: even, uneven, with empty ranks.
inline std::vector<std::vector<int64_t>> ways_to_share(int64_t rows, int world) {
  std::vector<int64_t> even(static_cast<size_t>(world), rows / world), uneven = even,
                                                                       one(static_cast<size_t>(world), 0);
  even[0] += rows % world;
  one[static_cast<size_t>(world) / 2] = rows;
  int64_t left = rows;
  for (size_t r = 0; r + 1 < uneven.size(); ++r)
    left -= uneven[r] = std::min<int64_t>(left, r % 2 ? 0 : 1 + static_cast<int64_t>(r) * 3);
  uneven.back() = left;
  return {even, uneven, one};
}

inline double max_relative_error(const at::Tensor& got, const at::Tensor& expected) {
  if (expected.numel() == 0) return got.numel() == 0 ? 0 : 1;
  const double difference = (got - expected).abs().max().item<double>();
  return difference == 0 ? 0 : difference / std::max(expected.abs().max().item<double>(), 1e-300);
}

}  // namespace lodestone::testing
