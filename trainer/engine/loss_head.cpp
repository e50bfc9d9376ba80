#include "trainer/engine/loss_head.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include "trainer/encoders/parameter_state.h"

namespace lodestone::engine {

namespace {

// Optimizer settings for the loss parameters: without the tuning by name and the clipping, which are meant
// for the encoder.
OptimizerConfig unclipped(OptimizerConfig config) {
  config.clip_norm = 0;
  config.tuning = {};
  return config;
}

std::map<std::string, at::Tensor> tensors_by_name(encoders::Encoder& encoder) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto* list : {&encoder.parameters().learned(), &encoder.parameters().buffers()})
    for (const auto& parameter : *list) tensors[parameter.name] = parameter.tensor.detach();
  return tensors;
}

/// Visits scalars as vectors of one element, the form of the checkpoint's file.
class NumbersAsVectors : public StateVisitor {
 public:
  explicit NumbersAsVectors(StateVisitor& inner) : inner_(inner) {}

  void replicated(const std::string& group, const std::string& name, const at::Tensor& live) override {
    inner_.replicated(group, name, live.dim() == 0 ? live.view({1}) : live);
  }
  void replaceable(const std::string& group, const std::string& name, at::Tensor& value) override {
    inner_.replaceable(group, name, value);
  }
  void sharded(const std::string& group, const std::string& name, const StateRows& rows) override {
    inner_.sharded(group, name, rows);
  }
  void per_rank(const std::string& name, const at::Tensor& own) override { inner_.per_rank(name, own); }
  void number(const std::string& group, const std::string& name, int64_t& value) override {
    inner_.number(group, name, value);
  }

 private:
  StateVisitor& inner_;
};

negatives::LocalRows rows_at(const negatives::LocalRows& rows, const at::Tensor& index) {
  const auto at = [&](const at::Tensor& x) { return x.index_select(0, index); };
  return {at(rows.z_bD), at(rows.label_b), at(rows.group_b), at(rows.id_b)};
}

}  // namespace

void LossHeadConfig::visit(Fields& f) {
  f.choice(
      {.name = "mining_scope",
       .doc = "rows that are compared: local, those of one rank; node, those of the ranks of a host; global, "
              "those of all ranks"},
      &mining_scope, kMiningScopes);
  f.nested({.name = "memory", .doc = "references beyond the batch"}, memory);
  f.nested(
      {.name = "proxies", .doc = "class proxies: one learned vector per class, for losses that use them"},
      proxies);
}

LossHead::LossHead(distributed::Group world, c10::Device device, const negatives::Objective& objective,
                   const LossHeadConfig& config, const OptimizerConfig& optimizer, const LossHeadSetup& setup,
                   encoders::Encoder& encoder)
    : world_(world),
      device_(device),
      objective_(objective),
      config_(config),
      setup_(setup),
      learned_(objective.loss.parameters()) {
  if (config.mining_scope == MiningScope::kNode) scope_ = world.split_by_host();
  if (config.mining_scope == MiningScope::kLocal) scope_ = distributed::single_group();
  if (objective.loss.uses_proxies()) {
    if (setup.group_c.empty())
      throw ConfigError(
          "loss: this loss has a proxy for every class, but the data has no classes; use data.train.path");
    proxies_.emplace(world, device, setup.group_c, setup.width, setup.type, setup.seed, config.proxies,
                     optimizer, setup.key_c);
  }
  if (config.memory.on()) memory_.emplace(world, device, config.memory.size, setup.width, setup.type);
  if (config.memory.has_momentum_encoder()) {
    if (!setup_.momentum_encoder) throw Error("loss head: memory.kind momentum needs a second encoder");
    const auto live = tensors_by_name(*setup_.momentum_encoder);
    for (const auto& [name, tensor] : tensors_by_name(encoder)) at::Tensor(live.at(name)).copy_(tensor);
  }
  std::vector<encoders::Parameter> parameters;
  for (const auto& parameter : learned_)
    parameters.push_back({parameter.name, parameter.value, /*decays=*/false});
  if (!parameters.empty()) optimizer_.emplace(unclipped(optimizer), parameters);
}

at::Tensor LossHead::Inputs::joined(const at::Tensor& gradient_bD,
                                    const at::Tensor& second_gradient_bD) const {
  if (!first_n.defined()) return gradient_bD;
  at::Tensor all_bD =
      at::empty({first_n.size(0) + second_n.size(0), gradient_bD.size(1)}, gradient_bD.options());
  return all_bD.index_copy_(0, first_n, gradient_bD).index_copy_(0, second_n, second_gradient_bD);
}

LossHead::Inputs LossHead::prepare(const negatives::LocalRows& rows, const Features& x, int64_t first_row,
                                   std::optional<miners::Tuples> tuples, int64_t step) {
  Inputs inputs;
  inputs.rows = rows;
  inputs.input.tuples = std::move(tuples);
  inputs.input.draw = {setup_.seed, step};
  inputs.input.scope = scope_;
  if (objective_.loss.pairing() == losses::Pairing::kTowers) {
    const int64_t count = rows.z_bD.size(0), odd = first_row % 2;
    inputs.first_n = at::arange(odd, std::max(count, odd), 2, rows.label_b.options());
    inputs.second_n = at::arange(1 - odd, std::max(count, 1 - odd), 2, rows.label_b.options());
    inputs.rows = rows_at(rows, inputs.first_n);
    inputs.input.second = rows_at(rows, inputs.second_n);
  }
  if (proxies_) inputs.input.shard = proxies_->select(rows.label_b, step, objective_.normalize);
  if (remembers(step)) inputs.input.shard = memory_->entries();
  if (config_.memory.has_momentum_encoder()) {
    at::NoGradGuard no_grad;
    const at::Tensor key_bD =
        setup_.keys ? setup_.keys(*setup_.momentum_encoder, x) : setup_.momentum_encoder->forward(x, {});
    inputs.input.second = negatives::LocalRows{key_bD, rows.label_b, rows.group_b, rows.id_b};
    inputs.input.second_learns = false;
  }
  return inputs;
}

void LossHead::remember(const negatives::RowSet& rows, int64_t step) {
  if (remembers(step)) memory_->push(rows, step);
}

negatives::StepLoss LossHead::loss(const negatives::LocalRows& rows, const Features& x, int64_t first_row,
                                   std::optional<miners::Tuples> tuples, int64_t step) {
  Inputs inputs = prepare(rows, x, first_row, std::move(tuples), step);
  inputs.input.want_health = true;
  negatives::StepLoss result = negatives::global_batch_loss(world_, inputs.rows, objective_, inputs.input);
  result.gradient_bD = inputs.joined(result.gradient_bD, result.second_gradient_bD);
  // A step that is skipped must not change the memory: rows that are not finite would spoil every later loss.
  if (std::isfinite(result.loss)) remember(result.remembered, step);
  return result;
}

void LossHead::update(const negatives::StepLoss& step, double factor, encoders::Encoder& encoder) {
  at::NoGradGuard no_grad;
  if (proxies_) proxies_->update(step.shard_gradient_nD, factor);
  for (size_t i = 0; i < learned_.size(); ++i)
    learned_[i].value.mutable_grad() = at::full({}, step.parameter_gradients[i], learned_[i].value.options());
  if (optimizer_) optimizer_->step(factor);
  for (const auto& parameter : learned_) at::Tensor(parameter.value).clamp_(parameter.min, parameter.max);
  if (!setup_.momentum_encoder || !config_.memory.has_momentum_encoder()) return;
  const auto momentum_encoder = tensors_by_name(*setup_.momentum_encoder);
  const encoders::Parameters& fast = encoder.parameters();
  for (const auto& parameter : fast.learned())
    at::Tensor(momentum_encoder.at(parameter.name))
        .mul_(config_.memory.momentum)
        .add_(parameter.tensor.detach(), 1 - config_.memory.momentum);
  // Running statistics are averages already, so they are copied.
  for (const auto& buffer : fast.buffers()) at::Tensor(momentum_encoder.at(buffer.name)).copy_(buffer.tensor);
}

std::optional<Memory::Ages> LossHead::memory_ages(int64_t step) const {
  if (!memory_) return {};
  return memory_->ages(step);
}

void LossHead::visit_state(StateVisitor& v, bool own_statistics) {
  if (proxies_) proxies_->visit_state(v);
  if (memory_) memory_->visit_state(v);
  NumbersAsVectors vectors(v);
  for (const auto& parameter : learned_) vectors.replicated("loss", parameter.name, parameter.value.detach());
  if (optimizer_) optimizer_->visit_state(vectors, "loss", "optimizer.");
  if (!config_.memory.has_momentum_encoder()) return;
  const encoders::Parameters& momentum_encoder = setup_.momentum_encoder->parameters();
  encoders::visit_parameters(vectors, "momentum_encoder", momentum_encoder);
  if (own_statistics) encoders::visit_own_statistics(v, "momentum_encoder.", momentum_encoder);
}

}  // namespace lodestone::engine
