#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone::testing {
using namespace coordinator;

/// A checkpoint's worth of values of several types, a few hundred bytes, different for each step.
inline Snapshot small_snapshot(int64_t step) {
  Snapshot snapshot;
  const auto value = static_cast<double>(step);
  snapshot.tensors["model"] = {{"conv.weight", at::arange(12, at::kFloat).add(value).reshape({3, 4})},
                               {"conv.bias", at::full({3}, value, at::kDouble)},
                               {"norm.seen", at::full({}, step, at::kLong)},
                               {"norm.frozen", at::full({5}, step % 2, at::kBool)},
                               {"unused", at::empty({0, 7}, at::kFloat)}};
  snapshot.tensors["optimizer"] = {{"conv.weight.m", at::full({3, 4}, 0.5 * value, at::kFloat)}};
  snapshot.state = {{"sampler", {{"epoch", 3}, {"position", step}}},
                    {"learning_rate", 0.1 + 1e-17 * value},
                    {"seed", UINT64_MAX},
                    {"name", "Ägypten"}};
  return snapshot;
}

inline SaveInfo info_for(int64_t step, int64_t keep_last = 2) {
  SaveInfo info{step, 2, "seed: 7\nloss: {name: triplet}\n", {}, 0, {}};
  info.retention.keep_last = keep_last;
  return info;
}

inline void expect_same(const Snapshot& a, const Snapshot& b) {
  EXPECT_EQ(a.state, b.state);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [group, tensors] : a.tensors) {
    ASSERT_EQ(tensors.size(), b.tensors.at(group).size()) << group;
    for (const auto& [name, tensor] : tensors) {
      const at::Tensor& other = b.tensors.at(group).at(name);
      EXPECT_EQ(tensor.scalar_type(), other.scalar_type()) << name;
      EXPECT_TRUE(tensor.equal(other)) << name;
    }
  }
}

/// Names in a folder, sorted.
inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace lodestone::testing
