#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "common/features.h"
#include "sampler/tokenizers/tokenizer.h"

namespace lodestone::sampler {

/// How texts become rows of ids.
struct TokenRule {
  std::shared_ptr<const Tokenizer> tokenizer;
  int64_t max_tokens = 128;
};

/// Collects texts as rows of token ids.
class TokenRows {
 public:
  TokenRows(const TokenRule& rule, int64_t rows) : rule_(rule) { ids_.reserve(static_cast<size_t>(rows)); }

  void add(std::string_view text) { ids_.push_back(rule_.tokenizer->encode(text, rule_.max_tokens)); }
  /// A text's ids, with the begin and end tokens.
  void add(std::vector<int64_t> ids) { ids_.push_back(std::move(ids)); }
  /// Fills in tokens_nT and mask_nT. T is the length of the longest row, at least 1; shorter rows are padded
  /// with the tokenizer's padding id.
  void finish(Features& out) const;

 private:
  const TokenRule& rule_;
  std::vector<std::vector<int64_t>> ids_;
};

}  // namespace lodestone::sampler
