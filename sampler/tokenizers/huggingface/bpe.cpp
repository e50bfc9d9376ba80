#include <array>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "sampler/tokenizers/huggingface/characters.h"
#include "sampler/tokenizers/huggingface/models.h"
#include "sampler/tokenizers/huggingface/pair_map.h"
#include "sampler/tokenizers/huggingface/word_cache.h"

namespace lodestone::sampler::huggingface {

namespace {

constexpr int32_t kNone = -1;

/// A token of a word while it is merged.
struct Symbol {
  int32_t id;
  int32_t before, behind;  // numbers of symbols, or kNone
  uint32_t bytes;          // 0: merged into the one before it
};

/// A merge that may be made at a symbol. The lowest rank comes first, and of these the first symbol.
struct Candidate {
  int32_t rank, at, merged;
  bool operator<(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : at > other.at;
  }
};

/// The symbols of a word. Kept between words for its memory.
struct Word {
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;

  void add(int64_t id, size_t bytes) {
    const auto at = static_cast<int32_t>(symbols.size());
    if (at > 0) symbols.back().behind = at;
    symbols.push_back({static_cast<int32_t>(id), at - 1, kNone, static_cast<uint32_t>(bytes)});
  }
  Symbol& at(int32_t i) { return symbols[static_cast<size_t>(i)]; }
};

struct Settings {
  std::string prefix, suffix;  // of tokens that continue and that end a word
  std::string unknown;         // "" for none
  bool fuse_unknown, byte_fallback, ignore_merges;
};

class Bpe : public Model {
 public:
  Bpe(Vocabulary vocabulary, Settings settings, PairMap merges)
      : Model(std::move(vocabulary)), settings_(std::move(settings)), merges_(std::move(merges)) {
    constexpr const char* kDigits = "0123456789ABCDEF";
    for (size_t byte = 0; byte < bytes_.size(); ++byte)
      bytes_[byte] =
          this->vocabulary().find(std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + ">");
    unknown_ = settings_.unknown.empty() ? -1 : this->vocabulary().find(settings_.unknown);
    inner_ = trie().walk(ByteTrie::kRoot, settings_.prefix);
  }

  void tokenize(const Text& text, size_t most, std::vector<Token>& tokens) const override {
    Word word;
    const WordCache::Lease cache(cache_);
    each_piece(text, most, tokens, [&](std::string_view piece, size_t number) {
      if (const auto* known = cache->find(piece)) {
        for (const auto& [id, begin, end] : *known) tokens.push_back({id, begin, end, number});
        return;
      }
      const size_t first = tokens.size();
      if (const int64_t whole = settings_.ignore_merges ? vocabulary().find(piece) : -1; whole >= 0)
        tokens.push_back({whole, 0, piece.size(), number});
      else
        merge(piece, number, word, tokens);
      cache->add(piece, tokens.begin() + static_cast<std::ptrdiff_t>(first), tokens.end());
    });
  }

 private:
  const ByteTrie& trie() const { return vocabulary().trie(); }

  void merge(std::string_view piece, size_t number, Word& word, std::vector<Token>& tokens) const {
    word.symbols.clear();
    word.heap.clear();
    add_characters(piece, word);
    for (size_t i = 0; i + 1 < word.symbols.size(); ++i) offer(static_cast<int32_t>(i), word);
    while (!word.heap.empty()) {
      std::pop_heap(word.heap.begin(), word.heap.end());
      const Candidate best = word.heap.back();
      word.heap.pop_back();
      apply(best, word);
    }
    size_t at = 0;
    for (const Symbol& symbol : word.symbols) {
      if (symbol.bytes == 0) continue;
      tokens.push_back({symbol.id, at, at + symbol.bytes, number});
      at += symbol.bytes;
    }
  }

  // A token for each character: its own, its bytes', or the one for unknown ones.
  void add_characters(std::string_view piece, Word& word) const {
    size_t unknown = 0;  // bytes of unknown characters that are not added yet
    const auto flush = [&] {
      if (unknown > 0) word.add(unknown_, unknown);
      unknown = 0;
    };
    for (size_t at = 0; at < piece.size();) {
      const size_t length = length_of(piece[at]);
      const std::string_view character = piece.substr(at, length);
      const bool first = at == 0, last = (at += length) == piece.size();
      uint32_t node = trie().walk(first ? ByteTrie::kRoot : inner_, character);
      if (last) node = trie().walk(node, settings_.suffix);
      if (const int64_t id = trie().number(node); id >= 0) {
        flush();
        word.add(id, length);
      } else if (!settings_.byte_fallback || !add_bytes(character, first, last, word)) {
        if (settings_.unknown.empty()) continue;
        if (unknown_ < 0)
          throw DataError("tokenizer: expected model.unk_token '" + settings_.unknown +
                          "' in the vocabulary, since a text has a character that no token has, got none");
        if (!settings_.fuse_unknown) flush();
        unknown += length;
      }
    }
    flush();
  }

  bool add_bytes(std::string_view character, bool first, bool last, Word& word) const {
    const std::string bytes =
        (first ? "" : settings_.prefix) + std::string(character) + (last ? settings_.suffix : "");
    const auto id = [this](char byte) { return bytes_[static_cast<unsigned char>(byte)]; };
    if (!std::all_of(bytes.begin(), bytes.end(), [&](char byte) { return id(byte) >= 0; })) return false;
    for (const char byte : bytes) word.add(id(byte), 1);
    return true;
  }

  void offer(int32_t at, Word& word) const {
    const int32_t behind = word.at(at).behind;
    const PairMap::Merge* merge = merges_.find(word.at(at).id, word.at(behind).id);
    if (merge == nullptr) return;
    word.heap.push_back({merge->rank, at, merge->merged});
    std::push_heap(word.heap.begin(), word.heap.end());
  }

  void apply(const Candidate& best, Word& word) const {
    Symbol& left = word.at(best.at);
    if (left.bytes == 0 || left.behind == kNone) return;
    Symbol& right = word.at(left.behind);
    const PairMap::Merge* merge = merges_.find(left.id, right.id);
    if (merge == nullptr || merge->merged != best.merged) return;  // one of them has been merged since
    left.id = best.merged;
    left.bytes += right.bytes;
    left.behind = right.behind;
    right.bytes = 0;
    if (left.behind != kNone) word.at(left.behind).before = best.at;
    if (left.before != kNone) offer(left.before, word);
    if (left.behind != kNone) offer(best.at, word);
  }

  Settings settings_;
  PairMap merges_;
  std::array<int64_t, 256> bytes_;  // ids of <0x00> to <0xFF>, or -1
  int64_t unknown_;
  uint32_t inner_;  // where tokens that continue a word begin
  mutable WordCache cache_;
};

// "a b", or ["a", "b"].
std::pair<std::string, std::string> read_pair(const Part& part) {
  if (part.value().is_array()) {
    const std::vector<Part> both = part.items();
    if (both.size() != 2) part.refuse("two tokens");
    return {both[0].text(), both[1].text()};
  }
  const std::string text = part.text();
  const size_t space = text.find(' ');
  if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
    part.refuse("two tokens with a space between them");
  return {text.substr(0, space), text.substr(space + 1)};
}

PairMap read_merges(const Part& part, const Vocabulary& vocabulary, size_t prefix) {
  const std::vector<Part> all = part.items();
  PairMap merges(all.size());
  int32_t rank = 0;
  for (const Part& one : all) {
    if (one.value().is_string() && one.text().starts_with("#version")) continue;
    const auto [left, right] = read_pair(one);
    const int64_t a = vocabulary.find(left), b = vocabulary.find(right);
    const int64_t merged = right.size() < prefix ? -1 : vocabulary.find(left + right.substr(prefix));
    if (a < 0 || b < 0 || merged < 0) one.refuse("two tokens that are in model.vocab, as their merge is");
    merges.add(static_cast<int32_t>(a), static_cast<int32_t>(b), {rank++, static_cast<int32_t>(merged)});
  }
  return merges;
}

}  // namespace

std::unique_ptr<Model> read_bpe(const Part& part) {
  if (part.has("dropout") && part.part("dropout").real() != 0)
    part.part("dropout").refuse("null or 0, since ids must not be random");
  Settings settings{part.text_or("continuing_subword_prefix", ""),
                    part.text_or("end_of_word_suffix", ""),
                    part.text_or("unk_token", ""),
                    part.yes_or("fuse_unk", false),
                    part.yes_or("byte_fallback", false),
                    part.yes_or("ignore_merges", false)};
  Vocabulary vocabulary = read_vocabulary(part.part("vocab"));
  PairMap merges = read_merges(part.part("merges"), vocabulary, settings.prefix.size());
  return std::make_unique<Bpe>(std::move(vocabulary), std::move(settings), std::move(merges));
}

}  // namespace lodestone::sampler::huggingface
