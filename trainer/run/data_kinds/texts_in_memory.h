#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sampler/texts/text_dataset.h"

namespace lodestone::run {

/// Unlabelled texts held in memory; each text is its own key.
class TextsInMemory : public sampler::TextDataset {
 public:
  explicit TextsInMemory(std::vector<std::string> texts) : texts_(std::move(texts)) {}

  int64_t size() const override { return static_cast<int64_t>(texts_.size()); }
  int64_t label(int64_t) const override { return 0; }
  uint64_t id(int64_t i) const override { return sampler::sample_id(key(i)); }
  int64_t classes() const override { return 1; }
  std::string class_name(int64_t) const override { return ""; }
  int64_t group(int64_t) const override { return 0; }
  std::string key(int64_t i) const override { return get(i); }
  std::string get(int64_t i) const override { return texts_.at(static_cast<size_t>(i)); }
  int64_t bytes(int64_t i) const override {
    return std::min<int64_t>(static_cast<int64_t>(get(i).size()), 65535);
  }

 private:
  std::vector<std::string> texts_;
};

}  // namespace lodestone::run
