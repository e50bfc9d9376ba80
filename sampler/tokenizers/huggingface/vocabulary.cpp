#include "sampler/tokenizers/huggingface/vocabulary.h"

#include <nlohmann/json.hpp>

namespace lodestone::sampler::huggingface {

void Vocabulary::add(std::string token, int64_t id) {
  if (trie_.find(token) < 0) ++count_;
  trie_.insert(token, id);
  if (id >= size()) tokens_.resize(static_cast<size_t>(id) + 1);
  tokens_[static_cast<size_t>(id)] = std::move(token);
}

Vocabulary read_vocabulary(const Part& part) {
  if (!part.value().is_object() || part.value().empty()) part.refuse("a mapping of tokens to ids");
  Vocabulary vocabulary;
  for (const auto& [token, id] : part.value().items())
    vocabulary.add(token, Part(id, part.where()).number(kMostId));
  return vocabulary;
}

}  // namespace lodestone::sampler::huggingface
