#include "trainer/run/sample_encoder.h"

#include <algorithm>
#include <utility>

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include "trainer/run/data_kinds/text_data.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

SampleEncoder::SampleEncoder(std::shared_ptr<TrainedModel> model) : model_(std::move(model)) {
  const RunConfig& config = model_->config();
  if (config.data.kind->reads_images())
    transform_.emplace(config.data.image, static_cast<uint64_t>(config.seed));
  if (config.data.kind->reads_texts()) rule_ = token_rule(config.data);
}

at::Tensor SampleEncoder::embed(const std::vector<const SampleInMemory*>& samples) {
  std::vector<const float*> images;
  std::vector<const SampleInMemory*> texts;
  std::vector<int64_t> image_rows, text_rows;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (const auto* values_CHW = std::get_if<std::vector<float>>(samples[i]))
      images.push_back(values_CHW->data()), image_rows.push_back(static_cast<int64_t>(i));
    else
      texts.push_back(samples[i]), text_rows.push_back(static_cast<int64_t>(i));
  }
  if (texts.empty()) return model_->embed(stacked(images));
  if (images.empty()) return model_->embed(tokens(texts));
  at::Tensor z_nD = at::empty({static_cast<int64_t>(samples.size()), model_->config().encoder->output_dim()});
  put(z_nD, image_rows, stacked(images));
  put(z_nD, text_rows, tokens(texts));
  return z_nD;
}

Features SampleEncoder::stacked(const std::vector<const float*>& images) const {
  const sampler::ImageTransformConfig& shape = transform_->config();
  at::Tensor x_nCHW =
      at::empty({static_cast<int64_t>(images.size()), shape.channels, shape.height, shape.width}, at::kFloat);
  float* out = x_nCHW.mutable_data_ptr<float>();
  for (const float* values_CHW : images) out = std::copy_n(values_CHW, transform_->numel(), out);
  return x_nCHW;
}

Features SampleEncoder::tokens(const std::vector<const SampleInMemory*>& texts) const {
  sampler::TokenRows rows(rule_, static_cast<int64_t>(texts.size()));
  for (const SampleInMemory* text : texts)
    if (const auto* ids = std::get_if<std::vector<int64_t>>(text))
      rows.add(*ids);
    else
      rows.add(std::get<std::string>(*text));
  Features features;
  rows.finish(features);
  return features;
}

void SampleEncoder::put(at::Tensor& z_nD, const std::vector<int64_t>& rows, const Features& features) {
  z_nD.index_copy_(0, at::tensor(rows, at::kLong), model_->embed(features));
}

}  // namespace lodestone::run
