#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sampler/tokenizers/huggingface/byte_trie.h"
#include "sampler/tokenizers/huggingface/models.h"
#include "sampler/tokenizers/huggingface/normalizers.h"

namespace lodestone::sampler::huggingface {

/// A token that is looked for in the text itself.
struct AddedToken {
  std::string content;
  int64_t id = 0;
  bool single_word = false;             ///< only where no letter stands beside it
  bool lstrip = false, rstrip = false;  ///< takes the white space beside it
  bool normalized = false;              ///< looked for in the normalized text
  bool special = false;
};

/// Reads "added_tokens". A token of the model keeps its id, the others follow the model's in their order.
/// Throws    DataError if the file states another id for one
std::vector<AddedToken> read_added_tokens(const Part& part, const Vocabulary& vocabulary);

/// Cuts added tokens out of texts, and normalizes what is left.
/// Threads   const methods are safe concurrently
class AddedTokens {
 public:
  /// `read_special`: whether special tokens are looked for; if not, they are letters as any others.
  AddedTokens(std::vector<AddedToken> tokens, std::unique_ptr<Normalizer> normalizer, bool read_special);

  /// The pieces of a text that is valid UTF-8. `placed`: whether origins are kept.
  Text extract(std::string_view text, bool placed) const;
  const std::vector<AddedToken>& all() const { return tokens_; }

 private:
  struct Finder {
    ByteTrie trie;          // of numbers of tokens_
    bool begins[256] = {};  // whether a token begins with the byte
    bool empty = true;
  };
  void add(Finder& finder, const std::string& content, size_t number) const;
  // Cuts [begin, end) of `from` and appends the pieces.
  void split(const Finder& finder, const Text& from, const Piece& part, std::vector<Piece>& pieces) const;
  bool is_alone(std::string_view text, size_t begin, size_t end) const;

  std::vector<AddedToken> tokens_;
  std::unique_ptr<Normalizer> normalizer_;  // or null
  bool read_special_;
  Finder raw_, normalized_;
};

}  // namespace lodestone::sampler::huggingface
