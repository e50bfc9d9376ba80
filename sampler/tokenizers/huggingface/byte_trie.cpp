#include "sampler/tokenizers/huggingface/byte_trie.h"

#include <string>
#include <utility>

#include "common/error.h"

namespace lodestone::sampler::huggingface {

ByteTrie::ByteTrie() : edges_(1024), mask_(edges_.size() - 1), numbers_{-1} {}

void ByteTrie::place(const Edge& edge) {
  size_t slot = hash(edge.key) & mask_;
  while (edges_[slot].key != kFree) slot = (slot + 1) & mask_;
  edges_[slot] = edge;
}

uint32_t ByteTrie::add(uint32_t node, char byte) {
  if (const uint32_t known = next(node, byte); known != kNone) return known;
  if (numbers_.size() >= kMostNodes)
    throw DataError("tokenizer: expected a vocabulary whose tokens have at most " +
                    std::to_string(kMostNodes) + " different beginnings, got more; use a smaller one");
  if (numbers_.size() * 2 > edges_.size()) {
    const std::vector<Edge> old = std::exchange(edges_, std::vector<Edge>(edges_.size() * 2));
    mask_ = edges_.size() - 1;
    for (const Edge& edge : old)
      if (edge.key != kFree) place(edge);
  }
  const auto added = static_cast<uint32_t>(numbers_.size());
  numbers_.push_back(-1);
  place({key_of(node, byte), added});
  return added;
}

void ByteTrie::insert(std::string_view text, int64_t number) {
  uint32_t node = kRoot;
  for (const char byte : text) node = add(node, byte);
  numbers_[node] = number;
}

std::optional<ByteTrie::Found> ByteTrie::longest(std::string_view text, uint32_t node) const {
  std::optional<Found> found;
  for (size_t i = 0; i < text.size(); ++i) {
    node = next(node, text[i]);
    if (node == kNone) break;
    if (numbers_[node] >= 0) found = Found{i + 1, numbers_[node]};
  }
  return found;
}

}  // namespace lodestone::sampler::huggingface
