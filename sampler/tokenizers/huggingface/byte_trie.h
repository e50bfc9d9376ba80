#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace lodestone::sampler::huggingface {

/// Texts with a number each, as a tree of bytes: finds the numbers of all texts that begin at a place.
/// Memory    at most 40 bytes per node; a node is a distinct beginning of a text.
/// Threads   const methods are safe concurrently
class ByteTrie {
 public:
  static constexpr uint32_t kRoot = 0, kNone = UINT32_MAX;
  static constexpr size_t kMostNodes = size_t{1} << 23;

  ByteTrie();
  /// Replaces the number of a text that is there already. Throws DataError beyond kMostNodes nodes.
  void insert(std::string_view text, int64_t number);

  /// The node behind `byte`, or kNone.
  uint32_t next(uint32_t node, char byte) const {
    const uint64_t key = key_of(node, byte);
    for (size_t slot = hash(key) & mask_;; slot = (slot + 1) & mask_) {
      if (edges_[slot].key == key) return edges_[slot].node;
      if (edges_[slot].key == kFree) return kNone;
    }
  }
  /// The node behind all bytes of `text`, or kNone.
  uint32_t walk(uint32_t node, std::string_view text) const {
    for (size_t i = 0; i < text.size() && node != kNone; ++i) node = next(node, text[i]);
    return node;
  }
  /// The number of the text that ends at the node, or -1; -1 for kNone.
  int64_t number(uint32_t node) const { return node == kNone ? -1 : numbers_[node]; }
  int64_t find(std::string_view text) const { return number(walk(kRoot, text)); }

  struct Found {
    size_t length;
    int64_t number;
  };
  /// The longest text of the tree at the beginning of `text`, after `node`. Cost: O(length of the longest).
  std::optional<Found> longest(std::string_view text, uint32_t node = kRoot) const;

 private:
  static constexpr uint64_t kFree = UINT64_MAX;
  struct Edge {
    uint64_t key = kFree;
    uint32_t node = kNone;
  };
  static uint64_t key_of(uint32_t node, char byte) {
    return uint64_t{node} << 8 | static_cast<unsigned char>(byte);
  }
  static size_t hash(uint64_t key) { return static_cast<size_t>((key * 0x9E3779B97F4A7C15ULL) >> 24); }
  uint32_t add(uint32_t node, char byte);
  void place(const Edge& edge);

  std::vector<Edge> edges_;
  size_t mask_;
  std::vector<int64_t> numbers_;
};

}  // namespace lodestone::sampler::huggingface
