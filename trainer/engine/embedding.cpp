#include "trainer/engine/embedding.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>

namespace lodestone::engine {

namespace {

constexpr int64_t kRows = 128;

}  // namespace

Embedded embed(const distributed::Group& group, encoders::Encoder& encoder, c10::Device device,
               const std::shared_ptr<const sampler::Examples>& examples, const sampler::LoaderConfig& config,
               bool keep_images) {
  at::NoGradGuard no_grad;
  const auto loader = sampler::make_eval_loader(examples, {group.rank(), group.size()}, kRows, config);
  std::vector<at::Tensor> z = {at::empty({0, encoder.output_dim()})};
  std::vector<at::Tensor> x;
  if (keep_images) x.push_back(examples->builder(0)->finish().pixels_nCHW);
  std::vector<int64_t> keys;
  while (loader->has_next()) {
    const sampler::Batch batch = loader->next();
    z.push_back(encoder.forward(batch.features.to(device), {}).to(at::kCPU, at::kFloat));
    if (keep_images) x.push_back(batch.features.pixels_nCHW);
    for (size_t i = 0; i < batch.indices.size(); ++i) {
      keys.push_back(batch.labels[i]);
      keys.push_back(batch.groups[i]);
      keys.push_back(batch.indices[i]);
    }
  }
  Embedded all;
  all.z_ND = group.all_gather(at::cat(z).to(device)).cpu();
  if (keep_images) all.x_NCHW = group.all_gather(at::cat(x).to(device)).cpu();
  const int64_t rows = static_cast<int64_t>(keys.size()) / 3;
  at::Tensor key_b3 = at::empty({rows, 3}, at::kLong);
  std::copy(keys.begin(), keys.end(), key_b3.mutable_data_ptr<int64_t>());
  const at::Tensor key_N3 = group.all_gather(key_b3.to(device)).cpu().contiguous();
  const int64_t* key = key_N3.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < key_N3.size(0); ++i, key += 3) {
    all.labels.push_back(key[0]);
    all.groups.push_back(key[1]);
    all.indices.push_back(key[2]);
  }
  all.left_out = examples->dataset()->size() - static_cast<int64_t>(all.indices.size());
  all.bad = loader->take_bad_records();
  return all;
}

}  // namespace lodestone::engine
