#include "sampler/tokenizers/train_wordpiece.h"

#include <algorithm>
#include <map>
#include <queue>

#include <unicode/utf8.h>

#include "common/error.h"

namespace lodestone::sampler {

namespace {

constexpr int32_t kMaxWordCharacters = 100;
constexpr int64_t kLeastVocabulary = 16;

/// Two neighbouring tokens.
struct Pair {
  int32_t left, right;
  bool operator==(const Pair&) const = default;
};

struct PairHash {
  size_t operator()(const Pair& p) const {
    return std::hash<uint64_t>{}(uint64_t{static_cast<uint32_t>(p.left)} << 32 |
                                 static_cast<uint32_t>(p.right));
  }
};

struct Word {
  std::vector<int32_t> tokens;
  int64_t count;
};

/// Where a pair occurs, and how often.
struct Places {
  int64_t count = 0;
  std::vector<size_t> words;  // may have a word twice, or one that has lost the pair
};

/// "a", "##b", "##c" for "abc".
std::vector<std::string> letters_of(const std::string& word) {
  std::vector<std::string> letters;
  const auto length = static_cast<int32_t>(word.size());
  for (int32_t at = 0; at < length;) {
    const int32_t begin = at;
    U8_FWD_1(word.data(), at, length);
    letters.push_back((begin == 0 ? "" : "##") +
                      word.substr(static_cast<size_t>(begin), static_cast<size_t>(at - begin)));
  }
  return letters;
}

/// Joins pairs, the most frequent first.
class Joiner {
 public:
  Joiner(const std::map<std::string, int64_t>& words, std::vector<std::string> tokens)
      : tokens_(std::move(tokens)), waiting_(Later{this}) {
    for (size_t id = 0; id < tokens_.size(); ++id) ids_.emplace(tokens_[id], static_cast<int32_t>(id));
    for (const auto& [text, count] : words) {
      Word word{{}, count};
      for (const std::string& letter : letters_of(text)) {
        const auto found = ids_.find(letter);
        // Letters that were left out are never joined.
        word.tokens.push_back(found == ids_.end() ? -1 : found->second);
      }
      words_.push_back(std::move(word));
      count_pairs(words_.size() - 1, +1);
    }
    for (const auto& [pair, places] : places_) waiting_.push({places.count, pair});
  }

  std::vector<std::string> join(int64_t vocabulary) {
    while (static_cast<int64_t>(tokens_.size()) < vocabulary && !waiting_.empty()) {
      const auto [count, pair] = waiting_.top();
      waiting_.pop();
      const auto found = places_.find(pair);
      if (found == places_.end() || found->second.count < 2) continue;
      if (found->second.count != count) {
        waiting_.push({found->second.count, pair});  // its count was outdated
        continue;
      }
      join(pair);
    }
    return std::move(tokens_);
  }

 private:
  struct Candidate {
    int64_t count;
    Pair pair;
  };
  struct Later {
    const Joiner* joiner;
    bool operator()(const Candidate& a, const Candidate& b) const {
      if (a.count != b.count) return a.count < b.count;
      const auto& t = joiner->tokens_;
      const auto text = [&t](int32_t id) -> const std::string& { return t[static_cast<size_t>(id)]; };
      if (a.pair.left != b.pair.left) return text(a.pair.left) > text(b.pair.left);
      return a.pair.right != b.pair.right && text(a.pair.right) > text(b.pair.right);
    }
  };

  void count_pairs(size_t number, int64_t sign) {
    const Word& word = words_[number];
    for (size_t i = 0; i + 1 < word.tokens.size(); ++i) {
      const Pair pair{word.tokens[i], word.tokens[i + 1]};
      if (pair.left < 0 || pair.right < 0) continue;
      Places& places = places_[pair];
      places.count += sign * word.count;
      if (sign < 0) continue;
      if (places.words.empty() || places.words.back() != number) places.words.push_back(number);
    }
  }

  // "ab" + "##c" and "a" + "##bc" are the same token.
  int32_t token_of(const Pair& pair) {
    std::string text =
        tokens_[static_cast<size_t>(pair.left)] + tokens_[static_cast<size_t>(pair.right)].substr(2);
    const auto [found, is_new] = ids_.emplace(std::move(text), static_cast<int32_t>(tokens_.size()));
    if (is_new) tokens_.push_back(found->first);
    return found->second;
  }

  void join(const Pair& pair) {
    const int32_t joined = token_of(pair);
    const std::vector<size_t> numbers = std::move(places_[pair].words);
    std::vector<Pair> grown;
    for (const size_t number : numbers) {
      std::vector<int32_t>& old = words_[number].tokens;
      std::vector<int32_t> now;
      for (size_t i = 0; i < old.size(); ++i) {
        const bool hit = i + 1 < old.size() && Pair{old[i], old[i + 1]} == pair;
        now.push_back(hit ? joined : old[i]);
        if (hit) ++i;
      }
      if (now.size() == old.size()) continue;
      count_pairs(number, -1);
      old = std::move(now);
      count_pairs(number, +1);
      for (size_t i = 0; i + 1 < old.size(); ++i)
        if ((old[i] == joined || old[i + 1] == joined) && old[i] >= 0 && old[i + 1] >= 0)
          grown.push_back({old[i], old[i + 1]});
    }
    places_.erase(pair);
    for (const Pair& one : grown) waiting_.push({places_[one].count, one});
  }

  std::vector<std::string> tokens_;
  std::unordered_map<std::string, int32_t> ids_;
  std::vector<Word> words_;
  std::unordered_map<Pair, Places, PairHash> places_;
  std::priority_queue<Candidate, std::vector<Candidate>, Later> waiting_;
};

/// The characters that get a token, in byte order, which is code point order; those with "##" after the
/// others.
std::vector<std::string> alphabet(const std::map<std::string, int64_t>& words, int64_t most) {
  std::map<std::string, int64_t> counts;
  for (const auto& [word, count] : words)
    for (const std::string& letter : letters_of(word)) counts[letter] += count;
  std::vector<std::pair<std::string, int64_t>> letters(counts.begin(), counts.end());
  if (static_cast<int64_t>(letters.size()) > most) {
    std::stable_sort(letters.begin(), letters.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    letters.resize(static_cast<size_t>(most));
  }
  std::sort(letters.begin(), letters.end(), [](const auto& a, const auto& b) {
    const bool a_inner = a.first.size() > 2 && a.first.starts_with("##");
    const bool b_inner = b.first.size() > 2 && b.first.starts_with("##");
    return a_inner != b_inner ? b_inner : a.first < b.first;
  });
  std::vector<std::string> texts;
  for (auto& [letter, count] : letters) texts.push_back(std::move(letter));
  return texts;
}

}  // namespace

void WordPieceTrainer::add(std::string_view text) {
  for_each_bert_word(text, how_, [this](std::string_view word) {
    int32_t at = 0;
    U8_FWD_N(word.data(), at, static_cast<int32_t>(word.size()), kMaxWordCharacters);
    if (at == static_cast<int32_t>(word.size())) ++words_[std::string(word)];
    return true;
  });
}

std::vector<std::string> WordPieceTrainer::tokens(int64_t vocabulary) const {
  if (vocabulary < kLeastVocabulary)
    throw ConfigError("tokenizer: expected a vocabulary of at least " + std::to_string(kLeastVocabulary) +
                      " tokens, got " + std::to_string(vocabulary));
  if (words_.empty()) throw DataError("tokenizer: expected words to learn from, got none; check the input");
  const std::map<std::string, int64_t> words(words_.begin(), words_.end());
  std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (std::string& letter : alphabet(words, vocabulary / 2)) tokens.push_back(std::move(letter));
  return Joiner(words, std::move(tokens)).join(vocabulary);
}

}  // namespace lodestone::sampler
