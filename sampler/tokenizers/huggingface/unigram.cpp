#include <limits>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "sampler/tokenizers/huggingface/characters.h"
#include "sampler/tokenizers/huggingface/models.h"
#include "sampler/tokenizers/huggingface/word_cache.h"

namespace lodestone::sampler::huggingface {

namespace {

constexpr double kUnknownPenalty = 10;

/// The best way to cover the text up to a place.
struct Best {
  double score = 0;
  int64_t id = -1;
  size_t begin = SIZE_MAX;  // of its last token
};

class Unigram : public Model {
 public:
  Unigram(Vocabulary vocabulary, std::vector<double> scores, int64_t unknown, bool byte_fallback)
      : Model(std::move(vocabulary)), scores_(std::move(scores)), unknown_(unknown) {
    unknown_score_ = *std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty;
    constexpr const char* kDigits = "0123456789ABCDEF";
    for (int byte = 0; byte_fallback && byte < 256; ++byte)
      bytes_.push_back(
          this->vocabulary().find(std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + ">"));
  }

  bool keeps_text() const override { return true; }

  void tokenize(const Text& text, size_t most, std::vector<Token>& tokens) const override {
    std::vector<Best> best;
    const WordCache::Lease cache(cache_);
    each_piece(text, most, tokens, [&](std::string_view piece, size_t number) {
      if (const auto* known = cache->find(piece)) {
        for (const auto& [id, begin, end] : *known) tokens.push_back({id, begin, end, number});
        return;
      }
      const size_t first = tokens.size();
      cover(piece, best);
      trace_back(piece, number, best, tokens);
      cache->add(piece, tokens.begin() + static_cast<std::ptrdiff_t>(first), tokens.end());
    });
  }

 private:
  // Viterbi's algorithm. A character that is no token by itself counts as unknown.
  void cover(std::string_view piece, std::vector<Best>& best) const {
    best.assign(piece.size() + 1, {});
    const ByteTrie& trie = vocabulary().trie();
    for (size_t begin = 0; begin < piece.size();) {
      const double score = best[begin].score;
      const size_t length = length_of(piece[begin]);
      const auto reach = [&](size_t end, double with, int64_t id) {
        if (best[end].begin == SIZE_MAX || with > best[end].score) best[end] = {with, id, begin};
      };
      bool alone = false;
      uint32_t node = ByteTrie::kRoot;
      for (size_t end = begin; end < piece.size();) {
        node = trie.next(node, piece[end++]);
        if (node == ByteTrie::kNone) break;
        const int64_t id = trie.number(node);
        if (id < 0) continue;
        reach(end, scores_[static_cast<size_t>(id)] + score, id);
        alone = alone || end - begin == length;
      }
      if (!alone) {
        if (unknown_ < 0) refuse_unknown();
        reach(begin + length, unknown_score_ + score, unknown_);
      }
      begin += length;
    }
  }

  // Neighbouring unknown characters are one token.
  void trace_back(std::string_view piece, size_t number, const std::vector<Best>& best,
                  std::vector<Token>& tokens) const {
    const size_t first = tokens.size();
    for (size_t end = piece.size(); end > 0;) {
      size_t begin = best[end].begin;
      if (best[end].id == unknown_) {
        while (begin > 0 && best[begin].id == unknown_) begin = best[begin].begin;
        add_unknown(piece.substr(begin, end - begin), begin, number, tokens);
      } else {
        tokens.push_back({best[end].id, begin, end, number});
      }
      end = begin;
    }
    std::reverse(tokens.begin() + static_cast<std::ptrdiff_t>(first), tokens.end());
  }

  // The last token comes first.
  void add_unknown(std::string_view text, size_t begin, size_t number, std::vector<Token>& tokens) const {
    const size_t end = begin + text.size();
    const auto byte_id = [this](char byte) { return bytes_[static_cast<unsigned char>(byte)]; };
    if (const int64_t id = vocabulary().find(text); id >= 0)
      tokens.push_back({id, begin, end, number});
    else if (!bytes_.empty() &&
             std::all_of(text.begin(), text.end(), [&](char byte) { return byte_id(byte) >= 0; }))
      for (size_t i = text.size(); i > 0; --i) tokens.push_back({byte_id(text[i - 1]), begin, end, number});
    else
      tokens.push_back({unknown_, begin, end, number});
  }

  [[noreturn]] static void refuse_unknown() {
    throw DataError(
        "tokenizer: expected model.unk_id, since a text has a character that no token has, got null");
  }

  std::vector<double> scores_;
  int64_t unknown_;  // or -1
  double unknown_score_;
  std::vector<int64_t> bytes_;  // ids of <0x00> to <0xFF> or -1; empty without byte_fallback
  mutable WordCache cache_;
};

}  // namespace

std::unique_ptr<Model> read_unigram(const Part& part) {
  const std::vector<Part> all = part.parts("vocab");
  if (all.empty() || static_cast<int64_t>(all.size()) > kMostId)
    part.part("vocab").refuse("a list of 1 to " + std::to_string(kMostId) + " tokens");
  Vocabulary vocabulary;
  std::vector<double> scores;
  for (const Part& one : all) {
    const std::vector<Part> both = one.items();
    if (both.size() != 2) one.refuse("a token and its score");
    vocabulary.add(both[0].text(), static_cast<int64_t>(scores.size()));
    scores.push_back(both[1].real());
  }
  const int64_t unknown =
      part.has("unk_id") ? part.part("unk_id").number(static_cast<int64_t>(all.size()) - 1) : -1;
  return std::make_unique<Unigram>(std::move(vocabulary), std::move(scores), unknown,
                                   part.yes_or("byte_fallback", false));
}

}  // namespace lodestone::sampler::huggingface
