#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lodestone::sampler::huggingface {

/// Merges of pairs of tokens. An open hash table: a word looks up every pair of neighbours.
class PairMap {
 public:
  struct Merge {
    int32_t rank, merged;
  };

  explicit PairMap(size_t most) {
    size_t slots = 16;
    while (slots < 2 * most) slots *= 2;
    slots_.resize(slots);
  }
  /// Replaces the merge of the same pair. Requires fewer than `most` pairs before, and ids >= 0.
  void add(int32_t left, int32_t right, Merge merge) {
    size_t slot = first_slot(left, right);
    while (slots_[slot].left >= 0 && !slots_[slot].is(left, right)) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = {left, right, merge};
  }
  /// Null if the pair is not merged.
  const Merge* find(int32_t left, int32_t right) const {
    for (size_t slot = first_slot(left, right); slots_[slot].left >= 0;
         slot = (slot + 1) & (slots_.size() - 1))
      if (slots_[slot].is(left, right)) return &slots_[slot].merge;
    return nullptr;
  }

 private:
  struct Slot {
    int32_t left = -1, right = -1;
    Merge merge{};
    bool is(int32_t a, int32_t b) const { return left == a && right == b; }
  };
  size_t first_slot(int32_t left, int32_t right) const {
    const uint64_t key = uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
    return static_cast<size_t>((key * 0x9E3779B97F4A7C15ULL) >> 24) & (slots_.size() - 1);
  }

  std::vector<Slot> slots_;
};

}  // namespace lodestone::sampler::huggingface
