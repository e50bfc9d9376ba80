#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace lodestone::sampler {

/// Numbers in sets that are joined step by step; the smallest number of a set stands for it.
/// Cost      nearly constant per call; memory 4 bytes per number
class DisjointSets {
 public:
  explicit DisjointSets(size_t count = 0) : parents_(count) {
    std::iota(parents_.begin(), parents_.end(), 0U);
  }

  size_t size() const { return parents_.size(); }
  /// Adds the next number as a set of its own, and returns it.
  uint32_t add() {
    parents_.push_back(static_cast<uint32_t>(parents_.size()));
    return parents_.back();
  }
  uint32_t root(uint32_t one) {
    while (parents_[one] != one) one = parents_[one] = parents_[parents_[one]];
    return one;
  }
  /// Returns whether they were two sets.
  bool join(uint32_t one, uint32_t other) {
    one = root(one);
    other = root(other);
    parents_[std::max(one, other)] = std::min(one, other);
    return one != other;
  }

 private:
  std::vector<uint32_t> parents_;
};

}  // namespace lodestone::sampler
