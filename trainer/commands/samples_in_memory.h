#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sampler/texts/text_dataset.h"

namespace lodestone {

/// Samples without labels that no file holds; Base is TextDataset or ImageDataset.
template <typename Base, typename Item>
class SamplesInMemory : public Base {
 public:
  explicit SamplesInMemory(std::vector<Item> samples) : samples_(std::move(samples)) {}

  int64_t size() const override { return static_cast<int64_t>(samples_.size()); }
  int64_t label(int64_t) const override { return 0; }
  uint64_t id(int64_t i) const override { return sample_id(this->key(i)); }
  int64_t classes() const override { return 1; }
  std::string class_name(int64_t) const override { return ""; }
  int64_t group(int64_t) const override { return 0; }
  Item get(int64_t i) const override { return samples_.at(static_cast<size_t>(i)); }

 private:
  std::vector<Item> samples_;
};

/// Texts, each its own key.
class TextsInMemory : public SamplesInMemory<TextDataset, std::string> {
 public:
  using SamplesInMemory::SamplesInMemory;
  std::string key(int64_t i) const override { return get(i); }
  int64_t bytes(int64_t i) const override {
    return std::min<int64_t>(static_cast<int64_t>(get(i).size()), 65535);
  }
};

/// Decoded pictures; the key is the number.
class ImagesInMemory : public SamplesInMemory<ImageDataset, Image> {
 public:
  using SamplesInMemory::SamplesInMemory;
  std::string key(int64_t i) const override { return std::to_string(i); }
};

}  // namespace lodestone
