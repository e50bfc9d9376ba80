#include "trainer/run/verify/gradient_verifier.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include "trainer/engine/forward_pass.h"
#include "trainer/run/data_kinds/training_data.h"

namespace lodestone::run {

namespace {

double relative_error(const at::Tensor& got, const at::Tensor& expected) {
  if (expected.numel() == 0) return got.numel() == 0 ? 0 : INFINITY;
  if (!got.isfinite().all().item<bool>() || !expected.isfinite().all().item<bool>()) return INFINITY;
  const double scale = expected.abs().max().item<double>();
  const double difference = (got - expected).abs().max().item<double>();
  return difference == 0 ? 0 : difference / std::max(scale, 1e-300);
}

double relative(double got, double wanted) {
  return got == wanted ? 0 : std::abs(got - wanted) / std::max(std::abs(wanted), 1e-300);
}

negatives::LocalRows rows_of(const sampler::Batch& batch, const at::Tensor& z_bD) {
  const auto integers = [&](const std::vector<int64_t>& values) {
    return at::from_blob(const_cast<int64_t*>(values.data()), {static_cast<int64_t>(values.size())},
                         at::kLong)
        .to(z_bD.device(), at::kLong, /*non_blocking=*/false, /*copy=*/true);
  };
  return {z_bD.detach(), integers(batch.labels), integers(batch.groups), integers(batch.ids)};
}

std::vector<at::Tensor> take_gradients(encoders::Encoder& encoder) {
  std::vector<at::Tensor> gradients;
  for (const auto& parameter : encoder.parameters().learned()) {
    at::Tensor value = parameter.tensor;
    gradients.push_back(value.grad().defined() ? value.grad().clone() : at::zeros_like(value.detach()));
    if (value.grad().defined()) value.mutable_grad().zero_();
  }
  return gradients;
}

// Freezes the running statistics: the encoder also serves as its momentum copy, whose keys must not depend on
// earlier passes.
encoders::ForwardMode unchanging_mode(const coordinator::RunContext& context, const RunConfig& config) {
  encoders::ForwardMode mode = engine::training_mode(context.world, config.training.batch_norm);
  mode.update_statistics = false;
  return mode;
}

// The encoder also serves as its momentum copy: at the start they are equal.
engine::LossHeadSetup double_setup(const RunConfig& config, const TrainingData& data) {
  engine::LossHeadSetup setup = loss_head_setup(config, data, &*config.encoder);
  setup.type = at::kDouble;
  return setup;
}

// As configured, but in the precision of the embeddings.
engine::PassOptions exact_pass(const RunConfig& config) {
  engine::PassOptions options = config.training.pass();
  options.precision = engine::Precision::kFloat32;
  return options;
}

at::Tensor flat(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> parts;
  for (const auto& tensor : tensors) parts.push_back(tensor.reshape(-1));
  return at::cat(parts);
}

// Numbers between -1 and 1 without a pattern, the same on every rank.
at::Tensor some_gradient(sampler::Range rows, const at::Tensor& like_bD) {
  const int64_t width = like_bD.size(1);
  return at::arange(rows.begin * width, rows.end * width, like_bD.options()).square().cos().view({-1, width});
}

TrainingData open_rows(RunConfig& config, int64_t rows, int world) {
  const int64_t all = std::exchange(config.global_batch, rows);
  try {
    TrainingData data = open_training_data(config, world);
    config.global_batch = all;
    return data;
  } catch (...) {
    config.global_batch = all;
    throw;
  }
}

}  // namespace

struct GradientVerifier::Round {
  sampler::Batch mine, whole;  // `whole` is rank 0's
  at::Tensor mine_bD, whole_BD;
};

struct GradientVerifier::Rounds {
  TrainingData data;
  std::vector<Round> all;
};

struct GradientVerifier::Sides {
  engine::LossHead mine, whole;
};

GradientVerifier::GradientVerifier(RunConfig& config, const coordinator::RunContext& context, int64_t batches)
    : config_(config),
      context_(context),
      batches_(batches),
      pass_(engine::make_encoder_pass(context.world, *config.encoder, exact_pass(config))),
      mode_(unchanging_mode(context, config)) {}

GradientVerifier::~GradientVerifier() = default;

GradientVerifier::Rounds& GradientVerifier::rounds_of(int64_t rows) {
  auto& made = rounds_[rows];
  if (made) return *made;
  made = std::make_unique<Rounds>();
  made->data = open_rows(config_, rows, context_.world.size());
  made->all.resize(static_cast<size_t>(batches_));
  const auto load = [&](sampler::Shard shard, sampler::Batch Round::*batch) {
    sampler::Loader loader(made->data.examples, made->data.sampler, shard, config_.data.loader,
                           static_cast<uint64_t>(config_.seed));
    for (Round& round : made->all) round.*batch = loader.next();
  };
  load(config_.training.determinism.shard(context_.world), &Round::mine);
  if (context_.is_main_rank()) load({0, 1}, &Round::whole);
  return *made;
}

std::vector<VerifiedLine> GradientVerifier::compare(const negatives::Objective& objective, int64_t rows,
                                                    bool encoder) {
  Rounds& rounds = rounds_of(rows);
  const engine::LossHeadSetup setup = double_setup(config_, rounds.data);
  const engine::LossHeadConfig& side = config_.training.loss_head;
  engine::LossHeadSetup ranks_setup = setup;
  ranks_setup.keys = [this](encoders::Encoder& momentum_encoder, const Features& x) {
    return pass_->encode_keys(momentum_encoder, x, share_, global_rows_);
  };
  Sides sides{
      engine::LossHead(pass_->loss_world(), device(), objective, side, {}, ranks_setup, *config_.encoder),
      engine::LossHead(distributed::single_group(), device(), objective, side, {}, setup, *config_.encoder)};
  const bool proxies = objective.loss.uses_proxies();
  std::vector<VerifiedLine> lines = {{"loss"}, {"embedding gradient"}};
  if (encoder) lines.push_back({"encoder gradient"});
  if (proxies || !objective.loss.parameters().empty()) lines.push_back({"loss-head gradient"});
  if (objective.miner.as_triplets() || !rounds.data.tuples.empty()) lines.push_back({"tuples"});
  for (Round& round : rounds.all) compare_round(objective, round, sides, encoder, lines);
  for (auto& line : lines) line.equal = line.error <= kVerifyTolerance;
  return lines;
}

std::vector<VerifiedLine> GradientVerifier::compare_encoder(int64_t rows) {
  VerifiedLine line{"encoder gradient"};
  for (Round& round : rounds_of(rows).all) {
    const sampler::Range share = round.mine.share;
    round.mine_bD = pass_->encode(features_of(round.mine), mode_, share, round.mine.global_rows);
    pass_->backward(some_gradient(share, round.mine_bD));
    pass_->reduce();
    const std::vector<at::Tensor> gradients = take_gradients(*config_.encoder);
    if (!context_.is_main_rank()) continue;
    const at::Tensor whole_BD = forward_whole(features_of(round.whole));
    whole_BD.backward(some_gradient(round.whole.share, whole_BD.detach()));
    line.error =
        std::max(line.error, relative_error(flat(gradients), flat(take_gradients(*config_.encoder))));
  }
  line.equal = line.error <= kVerifyTolerance;
  return {line};
}

// The result of the ranks.
negatives::StepLoss GradientVerifier::together(const negatives::Objective& objective, Round& round,
                                               Sides& sides, bool encoder,
                                               std::vector<at::Tensor>& gradients) {
  const sampler::Batch& batch = round.mine;
  const Features x = features_of(batch);
  share_ = batch.share;
  global_rows_ = batch.global_rows;
  if (encoder || !round.mine_bD.defined()) round.mine_bD = pass_->encode(x, mode_, share_, global_rows_);
  const auto [rows, share] = pass_->rows_for_loss(rows_of(batch, round.mine_bD), share_, global_rows_);
  const auto inputs = sides.mine.prepare(
      rows, x, share.begin, engine::explicit_tuples(batch, share, device()), batch.cursor.position);
  negatives::StepLoss step =
      negatives::global_batch_loss(pass_->loss_world(), inputs.rows, objective, inputs.input);
  sides.mine.remember(step.remembered, batch.cursor.position);
  step.gradient_bD = pass_->own_part(inputs.joined(step.gradient_bD, step.second_gradient_bD), share_);
  if (!encoder) return step;
  pass_->backward(step.gradient_bD);
  pass_->reduce();
  gradients = take_gradients(*config_.encoder);
  return step;
}

// The result of one process by plain autograd. Activations and reference are not in memory at the same time.
negatives::OracleLoss GradientVerifier::alone(const negatives::Objective& objective, Round& round,
                                              Sides& sides, bool encoder,
                                              std::vector<at::Tensor>& gradients) {
  const sampler::Batch& batch = round.whole;
  const Features x = features_of(batch);
  if (!round.whole_BD.defined()) {
    const at::NoGradGuard no_grad;
    round.whole_BD = forward_whole(x);
  }
  const auto inputs =
      sides.whole.prepare(rows_of(batch, round.whole_BD), x, 0,
                          engine::explicit_tuples(batch, batch.share, device()), batch.cursor.position);
  negatives::OracleLoss oracle = negatives::oracle_loss(inputs.rows, objective, inputs.input);
  sides.whole.remember(
      negatives::gather_row_set(distributed::single_group(), inputs.input.second.value_or(inputs.rows),
                                objective.normalize),
      batch.cursor.position);
  oracle.gradient_BD = inputs.joined(oracle.gradient_BD, oracle.second_gradient_BD);
  if (!encoder) return oracle;
  forward_whole(x).backward(oracle.gradient_BD);
  gradients = take_gradients(*config_.encoder);
  return oracle;
}

void GradientVerifier::compare_round(const negatives::Objective& objective, Round& round, Sides& sides,
                                     bool encoder, std::vector<VerifiedLine>& lines) {
  const distributed::Group& world = context_.world;
  std::vector<at::Tensor> gradients, expected;
  const negatives::StepLoss step = together(objective, round, sides, encoder, gradients);
  const at::Tensor gradient_BD = world.all_gather(step.gradient_bD);
  const bool has_tuples = step.tuples.anchor_t.defined(), has_proxies = step.shard_gradient_nD.defined();
  at::Tensor tuples_t3, proxies_nD;
  const distributed::Group loss_world = pass_->loss_world();
  if (has_tuples)
    tuples_t3 = loss_world.all_gather(
        at::stack({step.tuples.anchor_t, step.tuples.positive_t, step.tuples.negative_t}, 1));
  if (has_proxies) proxies_nD = loss_world.all_gather(step.shard_gradient_nD);
  if (!context_.is_main_rank()) return;

  const negatives::OracleLoss oracle = alone(objective, round, sides, encoder, expected);
  const auto worst = [&](const std::string& what, double error) {
    for (VerifiedLine& line : lines)
      if (line.what == what) line.error = std::isnan(error) ? INFINITY : std::max(line.error, error);
  };
  worst("loss", relative(step.loss, oracle.loss));
  worst("embedding gradient", relative_error(gradient_BD, oracle.gradient_BD));
  if (encoder) worst("encoder gradient", relative_error(flat(gradients), flat(expected)));
  if (has_proxies) worst("loss-head gradient", relative_error(proxies_nD, oracle.shard_gradient_nD));
  for (size_t i = 0; i < step.parameter_gradients.size(); ++i)
    worst("loss-head gradient", relative(step.parameter_gradients[i], oracle.parameter_gradients[i]));
  if (!has_tuples) return;
  const miners::Tuples& r = oracle.tuples;
  worst("tuples", at::equal(tuples_t3, at::stack({r.anchor_t, r.positive_t, r.negative_t}, 1)) ? 0.0 : 1.0);
}

Features GradientVerifier::features_of(const sampler::Batch& batch) const {
  return batch.features.to(device()).to(at::kDouble);
}

// The same function in one process: with local batch norm the ranks' shares, or
// micro-shards, are normalised separately.
at::Tensor GradientVerifier::forward_whole(const Features& x) const {
  encoders::ForwardMode mode = mode_;
  mode.sum_over_ranks = {};
  if (mode.batch_norm == encoders::BatchNormMode::kSync) mode.batch_norm = encoders::BatchNormMode::kLocal;
  if (config_.training.batch_norm != encoders::BatchNormMode::kLocal)
    return config_.encoder->forward(x, mode);
  const engine::PassOptions pass = config_.training.pass();
  const int pieces = pass.micro_shards > 0 ? static_cast<int>(pass.micro_shards) : context_.world.size();
  std::vector<at::Tensor> parts;
  for (int piece = 0; piece < pieces; ++piece) {
    const sampler::Range share = sampler::share_of(x.rows(), {piece, pieces});
    const int64_t step = pass.micro_batch > 0 ? pass.micro_batch : std::max<int64_t>(share.size(), 1);
    for (int64_t begin = share.begin; begin < share.end; begin += step)
      parts.push_back(encode_rows(x, {begin, std::min(begin + step, share.end)}, mode));
  }
  return at::cat(parts);
}

at::Tensor GradientVerifier::encode_rows(const Features& x, sampler::Range rows,
                                         const encoders::ForwardMode& mode) const {
  return config_.encoder->forward(x.narrow(rows.begin, rows.size()), engine::mode_for_share(mode, rows));
}

}  // namespace lodestone::run
