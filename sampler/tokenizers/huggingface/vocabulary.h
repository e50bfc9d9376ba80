#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sampler/tokenizers/huggingface/byte_trie.h"
#include "sampler/tokenizers/huggingface/part.h"

namespace lodestone::sampler::huggingface {

/// The largest id that a file may use.
inline constexpr int64_t kMostId = (int64_t{1} << 22) - 1;

/// The tokens of a model and their ids.
/// Threads   const methods are safe concurrently
class Vocabulary {
 public:
  void add(std::string token, int64_t id);

  int64_t find(std::string_view token) const { return trie_.find(token); }  ///< -1 if there is none
  const std::string& token(int64_t id) const { return tokens_[static_cast<size_t>(id)]; }
  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }  ///< the largest id, plus one
  int64_t count() const { return count_; }                               ///< different tokens
  const ByteTrie& trie() const { return trie_; }

 private:
  ByteTrie trie_;
  std::vector<std::string> tokens_;
  int64_t count_ = 0;
};

/// Reads a mapping of tokens to ids.
Vocabulary read_vocabulary(const Part& part);

}  // namespace lodestone::sampler::huggingface
