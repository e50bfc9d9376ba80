#include "trainer/engine/canonical_pass.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include "common/keys_without_effect.h"
#include "trainer/engine/forward_pass.h"

namespace lodestone::engine {

namespace {

at::Tensor flat(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> parts = {at::empty({0}, at::kFloat)};
  if (!tensors.empty()) parts[0] = parts[0].to(tensors[0].scalar_type());
  for (const at::Tensor& tensor : tensors) parts.push_back(tensor.detach().reshape({-1}));
  return at::cat(parts);
}

// Writes `flat_n` into the tensors, unseen by autograd. The graphs of other micro-shards hold the running
// statistics, which their backward passes do not read; a write that autograd counted would make it refuse
// those graphs.
void spread(const at::Tensor& flat_n, const std::vector<at::Tensor>& tensors) {
  int64_t begin = 0;
  for (const at::Tensor& tensor : tensors) {
    tensor.variable_data().copy_(flat_n.narrow(0, begin, tensor.numel()).view(tensor.sizes()));
    begin += tensor.numel();
  }
}

std::vector<at::Tensor> trained(const std::vector<encoders::Parameter>& learned) {
  std::vector<at::Tensor> tensors;
  for (const auto& parameter : learned)
    if (parameter.tensor.requires_grad()) tensors.push_back(parameter.tensor);
  return tensors;
}

sampler::Shard shard_of(const distributed::Group& world, int64_t count) {
  return {world.rank(), world.size(), count};
}

}  // namespace

void DeterminismConfig::visit(Fields& f) {
  f.choice({.name = "determinism",
            .doc = "reach of identical bits. world: the same bits in every run on the same number of ranks; "
                   "canonical: on any number of "
                   "ranks, at the price that every rank computes the whole loss"},
           &kind, {{"world", Determinism::kWorld}, {"canonical", Determinism::kCanonical}});
  if (!canonical())
    without_effect(f, {"micro_shards"},
                   "with determinism: world; leave it out, or set determinism: canonical");
  f.field(
      {.name = "micro_shards",
       .doc =
           "canonical: number of pieces of the global batch, each encoded separately; a run cannot have more "
           "ranks",
       .min = 1,
       .max = 65536},
      &micro_shards);
}

sampler::Shard DeterminismConfig::shard(const distributed::Group& world) const {
  return shard_of(world, canonical() ? micro_shards : 0);
}

CanonicalPass::CanonicalPass(const distributed::Group& world, encoders::Encoder& encoder, int64_t count,
                             Precision precision)
    : world_(world),
      encoder_(encoder),
      precision_(precision),
      sum_(world, sampler::share_of(count, {world.rank(), world.size()}).size()),
      learned_(trained(encoder.parameters().learned())) {
  if (count < world.size())
    throw ConfigError("micro_shards: expected at least one for each of the " + std::to_string(world.size()) +
                      " ranks, got " + std::to_string(count) + "; raise micro_shards or start fewer ranks");
}

// The features of micro-shard `part`, among the rows of this rank.
sampler::Range CanonicalPass::rows_of(int64_t part) const {
  const sampler::Range rows = sampler::share_of(global_rows_, {sum_.first() + part, sum_.parts()});
  return {rows.begin - share_.begin, rows.end - share_.begin};
}

// Copies, so that the first byte is aligned: some kernels take another path for another alignment. Texts are
// cut to the longest of the micro-shard, whatever else the rank holds.
Features CanonicalPass::features_of(int64_t part) const {
  const sampler::Range rows = rows_of(part);
  Features x = x_.narrow(rows.begin, rows.size());
  if (x.tokens_nT.defined()) {
    const int64_t longest =
        x.mask_nT.size(0) == 0 ? 1 : std::max<int64_t>(1, x.mask_nT.sum(1).max().item<int64_t>());
    x.tokens_nT = x.tokens_nT.narrow(1, 0, longest);
    x.mask_nT = x.mask_nT.narrow(1, 0, longest);
  }
  for (at::Tensor* tensor : {&x.pixels_nCHW, &x.tokens_nT, &x.mask_nT})
    if (tensor->defined()) *tensor = tensor->clone(at::MemoryFormat::Contiguous);
  return x;
}

at::Tensor CanonicalPass::encode(const Features& x, const encoders::ForwardMode& mode, sampler::Range share,
                                 int64_t global_rows) {
  if (share != sampler::share_of(global_rows, shard_of(world_, sum_.parts())))
    throw Error("micro-shards: expected the rows of whole micro-shards, got rows " +
                std::to_string(share.begin) + " to " + std::to_string(share.end) + " of " +
                std::to_string(global_rows));
  x_ = x;
  share_ = share;
  global_rows_ = global_rows;
  z_kD_.clear();
  std::vector<at::Tensor> statistics;
  if (mode.batch_norm == encoders::BatchNormMode::kLocal)
    statistics =
        encoders::tensors_of(encoder_.parameters().buffers(), encoders::ParameterRole::kRunningStatistic);
  // In double precision, so that the mean of equal numbers is exactly that number.
  const at::Tensor before_n = flat(statistics).to(at::kDouble);
  std::vector<at::Tensor> z;
  for (int64_t part = 0; part < sum_.count(); ++part) {
    const sampler::Range rows = rows_of(part);
    encoders::ForwardMode own = mode;
    own.draw.row_b = at::arange(share.begin + rows.begin, share.begin + rows.end);
    spread(before_n, statistics);
    z_kD_.push_back(forward_pass(encoder_, features_of(part), own, precision_));
    z.push_back(z_kD_.back().detach());
    if (!statistics.empty()) sum_.add(flat(statistics).to(at::kDouble));
  }
  if (!statistics.empty()) spread(sum_.total(before_n).div_(sum_.parts()), statistics);
  return at::cat(z);
}

at::Tensor CanonicalPass::encode_keys(encoders::Encoder& momentum_encoder, const Features& x,
                                      sampler::Range share, int64_t global_rows) {
  const at::NoGradGuard no_grad;
  x_ = x;
  share_ = share;
  global_rows_ = global_rows;
  std::vector<at::Tensor> z;
  for (int64_t part = 0; part < sum_.count(); ++part)
    z.push_back(momentum_encoder.forward(features_of(part), {}));
  return world_.all_gather(at::cat(z));
}

at::Tensor CanonicalPass::flat_gradient() {
  std::vector<at::Tensor> gradients;
  for (size_t i = 0; i < learned_.size(); ++i) {
    const at::Tensor gradient = learned_[i].grad();
    used_[i] = used_[i] || gradient.defined();
    gradients.push_back(gradient.defined() ? gradient
                                           : at::zeros({learned_[i].numel()}, learned_[i].options()));
  }
  return flat(gradients);
}

void CanonicalPass::backward(const at::Tensor& gradient_bD) {
  used_.assign(learned_.size(), false);
  for (int64_t part = 0; part < sum_.count(); ++part) {
    for (const at::Tensor& parameter : learned_) parameter.mutable_grad().reset();
    const at::Tensor z_kD = std::move(z_kD_[static_cast<size_t>(part)]);
    const sampler::Range rows = rows_of(part);
    if (z_kD.requires_grad() && rows.size() > 0)
      z_kD.backward(gradient_bD.narrow(0, rows.begin, rows.size()).clone(at::MemoryFormat::Contiguous));
    sum_.add(flat_gradient());
  }
}

void CanonicalPass::reduce() {
  const at::Tensor like_n = flat(learned_), total_n = sum_.total(like_n);
  at::Tensor used = at::zeros({static_cast<int64_t>(learned_.size())}, at::kInt);
  for (size_t i = 0; i < learned_.size(); ++i) used.mutable_data_ptr<int>()[i] = used_[i];
  world_.all_reduce(used, distributed::ReduceOp::kMax);
  int64_t begin = 0;
  for (size_t i = 0; i < learned_.size(); begin += learned_[i++].numel()) {
    learned_[i].mutable_grad().reset();
    if (used.const_data_ptr<int>()[i] == 0) continue;
    const at::Tensor part_n = total_n.narrow(0, begin, learned_[i].numel());
    learned_[i].mutable_grad() = at::empty_like(learned_[i].detach()).copy_(part_n.view(learned_[i].sizes()));
  }
}

EncoderPass::LossRows CanonicalPass::rows_for_loss(const negatives::LocalRows& own, sampler::Range,
                                                   int64_t global_rows) const {
  const at::Tensor key_B3 = world_.all_gather(at::stack({own.label_b, own.group_b, own.id_b}, 1));
  const auto column = [&](int64_t k) { return key_B3.select(1, k).contiguous(); };
  return {{world_.all_gather(own.z_bD.contiguous()), column(0), column(1), column(2)}, {0, global_rows}};
}

}  // namespace lodestone::engine
