#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "common/features.h"
#include "sampler/tokenizers/tokenizer.h"

namespace lodestone {

/// How texts become rows of ids.
struct TokenRule {
  std::shared_ptr<const Tokenizer> tokenizer;
  int64_t max_tokens = 128;
};

/// Gathers texts as rows of ids.
class TokenRows {
 public:
  TokenRows(const TokenRule& rule, int64_t rows) : rule_(rule) { ids_.reserve(static_cast<size_t>(rows)); }

  void add(std::string_view text) { ids_.push_back(rule_.tokenizer->encode(text, rule_.max_tokens)); }
  /// Fills in tokens_nT and mask_nT, all rows as long as the longest (T >= 1): shorter ones end in the tokenizer's padding.
  void finish(Features& out) const;

 private:
  const TokenRule& rule_;
  std::vector<std::vector<int64_t>> ids_;
};

}  // namespace lodestone
