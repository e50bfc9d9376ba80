#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

#include "sampler/augment/transforms.h"
#include "sampler/texts/token_rows.h"
#include "trainer/run/trained_model.h"

namespace lodestone::run {

/// A sample in memory: an image as values_CHW of the model's size, a text, or its ids by the model's
/// tokenizer, with the begin and end tokens.
using SampleInMemory = std::variant<std::vector<float>, std::string, std::vector<int64_t>>;

/// Embeds samples in memory as the model's evaluation embeds them from files.
/// Threads   as TrainedModel::embed
class SampleEncoder {
 public:
  explicit SampleEncoder(std::shared_ptr<TrainedModel> model);

  /// Preprocessing of images; nullopt if the model does not embed images.
  const std::optional<sampler::ImageTransform>& transform() const { return transform_; }
  /// How texts become token ids; without a tokenizer if the model does not embed texts.
  const sampler::TokenRule& text_rule() const { return rule_; }

  /// Shapes    returns [n, D], in the order of the samples
  /// Requires  images if the model embeds images, texts if it embeds texts
  at::Tensor embed(const std::vector<const SampleInMemory*>& samples);

 private:
  Features stacked(const std::vector<const float*>& images) const;
  Features tokens(const std::vector<const SampleInMemory*>& texts) const;
  void put(at::Tensor& z_nD, const std::vector<int64_t>& rows, const Features& features);

  const std::shared_ptr<TrainedModel> model_;
  std::optional<sampler::ImageTransform> transform_;
  sampler::TokenRule rule_;
};

}  // namespace lodestone::run
