#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lodestone::sampler::huggingface {

/// The tokens of words that were seen before. Each use leases a table of its own, so that threads neither
/// wait for nor see each other; there are as many tables as there were leases at the same time.
/// Memory    at most kMostWords words of kLongestWord bytes per table
class WordCache {
 public:
  static constexpr size_t kMostWords = 10000, kLongestWord = 64;

  struct Token {
    int64_t id;
    size_t begin, end;
  };

  class Table {
   public:
    const std::vector<Token>* find(std::string_view word) const {
      const auto found = words_.find(word);
      return found == words_.end() ? nullptr : &found->second;
    }
    template <typename Tokens>
    void add(std::string_view word, const Tokens& begin, const Tokens& end) {
      if (word.size() > kLongestWord || words_.size() >= kMostWords) return;
      std::vector<Token>& tokens = words_[std::string(word)];
      for (auto token = begin; token != end; ++token) tokens.push_back({token->id, token->begin, token->end});
    }

   private:
    struct Hash {
      using is_transparent = void;
      size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    std::unordered_map<std::string, std::vector<Token>, Hash, std::equal_to<>> words_;
  };

  /// Returns its table when it is destroyed.
  class Lease {
   public:
    explicit Lease(WordCache& cache) : cache_(cache) {
      const std::scoped_lock lock(cache_.mutex_);
      if (cache_.idle_.empty()) {
        table_ = std::make_unique<Table>();
        return;
      }
      table_ = std::move(cache_.idle_.back());
      cache_.idle_.pop_back();
    }
    ~Lease() {
      const std::scoped_lock lock(cache_.mutex_);
      cache_.idle_.push_back(std::move(table_));
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Table* operator->() const { return table_.get(); }

   private:
    WordCache& cache_;
    std::unique_ptr<Table> table_;
  };

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Table>> idle_;
};

}  // namespace lodestone::sampler::huggingface
