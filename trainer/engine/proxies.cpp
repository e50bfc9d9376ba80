#include "trainer/engine/proxies.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "common/rng.h"
#include "distributed/reductions/row_shards.h"

namespace lodestone::engine {

void ProxyConfig::visit(Fields& f) {
  f.field({.name = "sample_rate",
           .doc = "losses over class proxies: fraction of the classes outside the batch that a step uses",
           .min = 0,
           .max = 1},
          &sample_rate);
  f.field({.name = "learning_rate_factor",
           .doc = "learning rate of the proxies as a multiple of the encoder's",
           .min = 0},
          &learning_rate_factor);
}

Proxies::Proxies(distributed::Group world, c10::Device device, const std::vector<int64_t>& group_c,
                 int64_t width, at::ScalarType type, uint64_t seed, const ProxyConfig& config,
                 const OptimizerConfig& optimizer, const std::vector<uint64_t>& key_c)
    : world_(world),
      seed_(seed),
      config_(config),
      optimizer_(optimizer),
      classes_(static_cast<int64_t>(group_c.size())) {
  first_ = classes_ * world.rank() / world.size();
  local_ = classes_ * (world.rank() + 1) / world.size() - first_;
  std::vector<uint64_t> keys;
  at::Tensor group_n = at::empty({local_}, at::kLong);
  for (int64_t c = 0; c < local_; ++c) {
    const auto number = static_cast<size_t>(first_ + c);
    keys.push_back(key_c.empty() ? number : key_c.at(number));
    group_n.mutable_data_ptr<int64_t>()[c] = group_c[number];
  }
  value_nD_ = initial(keys, width, seed).to(device, type);
  group_n_ = group_n.to(device);
  first_nD_ = at::zeros_like(value_nD_);
  second_nD_ = at::zeros_like(value_nD_);
  steps_n_ = at::zeros({local_}, group_n_.options());
}

at::Tensor Proxies::initial(std::span<const uint64_t> keys, int64_t width, uint64_t seed) {
  at::Tensor value_nD = at::empty({static_cast<int64_t>(keys.size()), width}, at::kDouble);
  double* next = value_nD.mutable_data_ptr<double>();
  for (const uint64_t key : keys) {
    Random random(seed, Purpose::kInit, key, 0x70726F78);  // "prox"
    for (int64_t d = 0; d < width; ++d) *next++ = random.normal() / std::sqrt(static_cast<double>(width));
  }
  return value_nD;
}

// The classes of the global batch, and each other class with probability sample_rate.
at::Tensor Proxies::sampled(const at::Tensor& label_b, int64_t step) const {
  const at::Tensor label_B = world_.all_gather(label_b.contiguous()) - first_;
  const at::Tensor mine_B = label_B.index({at::logical_and(label_B >= 0, label_B < local_)}).cpu();
  std::vector<char> seen(static_cast<size_t>(local_), 0);
  for (int64_t c = 0; c < local_; ++c) {
    Random random(seed_, Purpose::kMiner, static_cast<uint64_t>(step), static_cast<uint64_t>(first_ + c));
    seen[static_cast<size_t>(c)] = random.uniform() < config_.sample_rate;
  }
  for (int64_t i = 0; i < mine_B.numel(); ++i)
    seen[static_cast<size_t>(mine_B.const_data_ptr<int64_t>()[i])] = 1;
  std::vector<int64_t> places;
  for (int64_t c = 0; c < local_; ++c)
    if (seen[static_cast<size_t>(c)]) places.push_back(c);
  return at::from_blob(places.data(), {static_cast<int64_t>(places.size())}, at::kLong)
      .to(group_n_.device(), at::kLong, false, true);
}

negatives::RowSet Proxies::select(const at::Tensor& label_b, int64_t step, bool normalize) {
  normalize_ = normalize;
  seen_n_ = config_.sample_rate < 1 ? sampled(label_b, step) : at::arange(local_, group_n_.options());
  const at::Tensor value_nD = value_nD_.index_select(0, seen_n_), label_n = seen_n_ + first_;
  // Ids that no sample of any data set has.
  return negatives::shard_rows(normalize ? negatives::normalised(value_nD) : value_nD, label_n,
                               group_n_.index_select(0, seen_n_), -1 - label_n);
}

void Proxies::update(const at::Tensor& gradient_nD, double factor) {
  at::NoGradGuard no_grad;
  at::Tensor value_nD = value_nD_.index_select(0, seen_n_);
  const at::Tensor slope_nD =
      normalize_ ? negatives::normalised_gradient(gradient_nD, value_nD) : gradient_nD;
  const double rate = optimizer_.learning_rate * config_.learning_rate_factor * factor;
  at::Tensor mean_nD = first_nD_.index_select(0, seen_n_);
  const at::Tensor steps_n = steps_n_.index_select(0, seen_n_) + 1;
  if (update_rule(optimizer_.name).squares) {
    at::Tensor square_nD = second_nD_.index_select(0, seen_n_);
    mean_nD.mul_(optimizer_.beta1).add_(slope_nD, 1 - optimizer_.beta1);
    square_nD.mul_(optimizer_.beta2).addcmul_(slope_nD, slope_nD, 1 - optimizer_.beta2);
    const auto correction = [&](double beta) {
      return (1 - at::pow(beta, steps_n.to(at::kDouble))).to(value_nD.scalar_type()).unsqueeze(1);
    };
    const at::Tensor root_nD = (square_nD / correction(optimizer_.beta2)).sqrt_().add_(optimizer_.epsilon);
    value_nD.sub_(mean_nD / correction(optimizer_.beta1) / root_nD * rate);
    second_nD_.index_copy_(0, seen_n_, square_nD);
  } else {
    mean_nD.mul_(optimizer_.momentum).add_(slope_nD);
    value_nD.sub_((optimizer_.nesterov ? slope_nD + mean_nD * optimizer_.momentum : mean_nD) * rate);
  }
  value_nD_.index_copy_(0, seen_n_, value_nD);
  first_nD_.index_copy_(0, seen_n_, mean_nD);
  steps_n_.index_copy_(0, seen_n_, steps_n);
}

void Proxies::visit_state(StateVisitor& v) {
  for (const auto& [name, own] :
       {std::pair{"value", value_nD_}, {"first", first_nD_}, {"second", second_nD_}, {"steps", steps_n_}})
    v.sharded("proxies", name, {own, first_, classes_, world_.size() > 1});
}

}  // namespace lodestone::engine
