#include <nlohmann/json.hpp>

#include "common/error.h"
#include "sampler/tokenizers/huggingface/characters.h"
#include "sampler/tokenizers/huggingface/models.h"

namespace lodestone::sampler::huggingface {

namespace {

/// A model with a token for the pieces that it cannot cover.
class UnknownModel : public Model {
 public:
  UnknownModel(Vocabulary vocabulary, const Part& part)
      : Model(std::move(vocabulary)), name_(part.text_or("unk_token", "[UNK]")) {
    unknown_ = this->vocabulary().find(name_);
  }

 protected:
  int64_t unknown() const {
    if (unknown_ < 0)
      throw DataError("tokenizer: expected model.unk_token '" + name_ +
                      "' in the vocabulary, since a text has a word that no token has, got none");
    return unknown_;
  }

 private:
  std::string name_;
  int64_t unknown_;
};

class WordPiece : public UnknownModel {
 public:
  WordPiece(Vocabulary vocabulary, const Part& part)
      : UnknownModel(std::move(vocabulary), part),
        longest_(static_cast<size_t>(part.part("max_input_chars_per_word").number(kMostId))) {
    inner_ = this->vocabulary().trie().walk(ByteTrie::kRoot, part.text_or("continuing_subword_prefix", "##"));
  }

  void tokenize(const Text& text, size_t most, std::vector<Token>& tokens) const override {
    each_piece(text, most, tokens, [&](std::string_view word, size_t number) {
      const size_t first = tokens.size();
      if (!is_too_long(word) && cover(word, number, tokens)) return;
      tokens.resize(first, {});
      tokens.push_back({unknown(), 0, word.size(), number});
    });
  }

 private:
  bool is_too_long(std::string_view word) const {
    if (word.size() <= longest_) return false;
    const auto inside = static_cast<size_t>(std::count_if(word.begin(), word.end(), is_continuation));
    return word.size() - inside > longest_;
  }

  bool cover(std::string_view word, size_t number, std::vector<Token>& tokens) const {
    for (size_t begin = 0; begin < word.size();) {
      const uint32_t start = begin == 0 ? ByteTrie::kRoot : inner_;
      if (start == ByteTrie::kNone) return false;
      const auto found = vocabulary().trie().longest(word.substr(begin), start);
      if (!found) return false;
      tokens.push_back({found->number, begin, begin + found->length, number});
      begin += found->length;
    }
    return true;
  }

  size_t longest_;  // characters of a word
  uint32_t inner_;  // where tokens that continue a word begin
};

class WordLevel : public UnknownModel {
 public:
  using UnknownModel::UnknownModel;

  void tokenize(const Text& text, size_t most, std::vector<Token>& tokens) const override {
    each_piece(text, most, tokens, [&](std::string_view word, size_t number) {
      const int64_t id = vocabulary().find(word);
      tokens.push_back({id >= 0 ? id : unknown(), 0, word.size(), number});
    });
  }
};

}  // namespace

std::unique_ptr<Model> read_word_piece(const Part& part) {
  return std::make_unique<WordPiece>(read_vocabulary(part.part("vocab")), part);
}

std::unique_ptr<Model> read_word_level(const Part& part) {
  return std::make_unique<WordLevel>(read_vocabulary(part.part("vocab")), part);
}

}  // namespace lodestone::sampler::huggingface
