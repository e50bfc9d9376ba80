#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>
#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/json_text.h"
#include "trainer/commands/command.h"
#include "trainer/commands/session.h"
#include "trainer/negatives/reference.h"

namespace lodestone {

namespace {

// Float64 throughout: what is left is the rounding of sums formed in another order, amplified by the encoder's depth.
constexpr double kTolerance = 1e-9;

struct Line {
  std::string loss, miner, what;
  double error = 0;
  bool equal = true;
};

double relative_error(const at::Tensor& got, const at::Tensor& expected) {
  if (expected.numel() == 0) return got.numel() == 0 ? 0 : INFINITY;
  if (!got.isfinite().all().item<bool>() || !expected.isfinite().all().item<bool>()) return INFINITY;
  const double scale = expected.abs().max().item<double>();
  const double difference = (got - expected).abs().max().item<double>();
  return difference == 0 ? 0 : difference / std::max(scale, 1e-300);
}

LocalRows rows_of(const Batch& batch, const at::Tensor& z_bD) {
  const auto integers = [&](const std::vector<int64_t>& values) {
    return at::from_blob(const_cast<int64_t*>(values.data()), {static_cast<int64_t>(values.size())},
                         at::kLong)
        .to(z_bD.device(), at::kLong, /*non_blocking=*/false, /*copy=*/true);
  };
  return {z_bD.detach(), integers(batch.labels), integers(batch.groups), integers(batch.ids)};
}

std::vector<at::Tensor> take_gradients(Encoder& encoder) {
  std::vector<at::Tensor> gradients;
  for (const auto& parameter : encoder.parameters().learned()) {
    at::Tensor value = parameter.tensor;
    gradients.push_back(value.grad().defined() ? value.grad().clone() : at::zeros_like(value.detach()));
    if (value.grad().defined()) value.mutable_grad().zero_();
  }
  return gradients;
}

/// Compares one objective after another on the same batches.
class Verifier {
 public:
  Verifier(RunConfig& config, const Session& session, const TrainingData& data)
      : config_(config),
        session_(session),
        data_(data),
        sync_(session.world, parameters()),
        mode_(forward_mode()) {}

  /// Collective. The lines are rank 0's.
  std::vector<Line> compare(const std::string& loss_name, const std::string& miner_name,
                            const Objective& objective, int64_t batches) {
    std::vector<Line> lines;
    for (const char* what :
         {"loss", "embedding gradient", "encoder gradient", "loss-side gradient", "tuples"})
      lines.push_back({loss_name, miner_name, what});
    const LossSideSetup setup = double_setup();
    const Group alone = single_group();
    LossSide mine_side(session_.world, device(), objective, config_.training.loss_side, {}, setup,
                       *config_.encoder);
    LossSide whole_side(alone, device(), objective, config_.training.loss_side, {}, setup, *config_.encoder);
    Loader mine = loader({session_.world.rank(), session_.world.size()});
    Loader whole = loader({0, 1});
    for (int64_t n = 0; n < batches; ++n)
      compare_batch(objective, mine.next(), whole.next(), mine_side, whole_side, lines);
    for (auto& line : lines) line.equal = line.error <= kTolerance;
    if (!dynamic_cast<const TripletMiner*>(&objective.miner) && data_.tuples.empty()) lines.pop_back();
    const bool proxies =
        objective.loss.pairing() == Pairing::kProxies || objective.loss.pairing() == Pairing::kProxyAnchors;
    if (!proxies && objective.loss.parameters().empty()) lines.erase(lines.begin() + 3);
    return lines;
  }

 private:
  c10::Device device() const { return session_.launch.device(); }

  std::vector<at::Tensor> parameters() const {
    std::vector<at::Tensor> tensors;
    for (const auto& parameter : config_.encoder->parameters().learned()) tensors.push_back(parameter.tensor);
    return tensors;
  }

  // Running statistics stay: the encoder stands for its own slow copy too, whose keys must not depend on who has encoded before.
  ForwardMode forward_mode() const {
    ForwardMode mode = training_mode(session_.world, config_.training.batch_norm);
    mode.update_statistics = false;
    return mode;
  }

  Loader loader(Shard shard) const {
    return Loader(data_.examples, data_.sampler, shard, config_.data.loader,
                  static_cast<uint64_t>(config_.seed));
  }

  LossSideSetup double_setup() const {
    // The encoder stands for its own slow copy: at the start they are equal.
    LossSideSetup setup = loss_side_setup(config_, data_, &*config_.encoder);
    setup.type = at::kDouble;
    return setup;
  }

  // What the ranks get.
  StepLoss together(const Objective& objective, const Batch& batch, LossSide& side,
                    std::vector<at::Tensor>& gradients) {
    GradientCache cache(*config_.encoder, sync_, config_.training.micro_batch, "float32");
    const Features x = batch.features.to(device()).to(at::kDouble);
    const at::Tensor z_bD = cache.encode(x, mode_for_share(mode_, batch.share));
    const auto meeting = side.meet(rows_of(batch, z_bD), x, batch.share.begin,
                                   explicit_tuples(batch, batch.share, device()), batch.cursor.position);
    StepLoss step = global_batch_loss(session_.world, meeting->rows, objective, meeting->input);
    side.remember(step.remembered, batch.cursor.position);
    step.gradient_bD = meeting->joined(step.gradient_bD, step.second_gradient_bD);
    cache.backward(step.gradient_bD);
    sync_.finish();
    gradients = take_gradients(*config_.encoder);
    return step;
  }

  // What one process gets by plain autograd.
  ReferenceLoss alone(const Objective& objective, const Batch& batch, LossSide& side,
                      std::vector<at::Tensor>& gradients) {
    const Features x = batch.features.to(device()).to(at::kDouble);
    const at::Tensor z_BD = forward_whole(x);
    const auto meeting = side.meet(rows_of(batch, z_BD), x, 0, explicit_tuples(batch, batch.share, device()),
                                   batch.cursor.position);
    ReferenceLoss reference = reference_loss(meeting->rows, objective, meeting->input);
    side.remember(
        gather_rows(single_group(), meeting->second ? *meeting->second : meeting->rows, objective.normalize),
        batch.cursor.position);
    reference.gradient_BD = meeting->joined(reference.gradient_BD, reference.second_gradient_BD);
    z_BD.backward(reference.gradient_BD);
    gradients = take_gradients(*config_.encoder);
    return reference;
  }

  void compare_batch(const Objective& objective, const Batch& mine, const Batch& whole, LossSide& mine_side,
                     LossSide& whole_side, std::vector<Line>& lines) {
    const Group& world = session_.world;
    std::vector<at::Tensor> gradients, expected;
    const StepLoss step = together(objective, mine, mine_side, gradients);
    const at::Tensor gradient_BD = world.all_gather(step.gradient_bD);
    const bool has_tuples = step.tuples.anchor_t.defined(), has_proxies = step.shard_gradient_nD.defined();
    at::Tensor tuples_t3, proxies_nD;
    if (has_tuples)
      tuples_t3 = world.all_gather(
          at::stack({step.tuples.anchor_t, step.tuples.positive_t, step.tuples.negative_t}, 1));
    if (has_proxies) proxies_nD = world.all_gather(step.shard_gradient_nD);
    if (!session_.leads()) return;

    const ReferenceLoss reference = alone(objective, whole, whole_side, expected);
    const auto worst = [&](const std::string& what, double error) {
      for (Line& line : lines)
        if (line.what == what) line.error = std::isnan(error) ? INFINITY : std::max(line.error, error);
    };
    const auto relative = [](double got, double wanted) {
      return got == wanted ? 0 : std::abs(got - wanted) / std::max(std::abs(wanted), 1e-300);
    };
    worst("loss", relative(step.loss, reference.loss));
    worst("embedding gradient", relative_error(gradient_BD, reference.gradient_BD));
    worst("encoder gradient", relative_error(flat(gradients), flat(expected)));
    if (has_proxies) worst("loss-side gradient", relative_error(proxies_nD, reference.shard_gradient_nD));
    for (size_t i = 0; i < step.parameter_gradients.size(); ++i)
      worst("loss-side gradient", relative(step.parameter_gradients[i], reference.parameter_gradients[i]));
    if (!has_tuples) return;
    const Tuples& r = reference.tuples;
    worst("tuples", at::equal(tuples_t3, at::stack({r.anchor_t, r.positive_t, r.negative_t}, 1)) ? 0.0 : 1.0);
  }

  // One process, the same function: with local batch norm the ranks' shares are normalised apart, on any number of ranks.
  at::Tensor forward_whole(const Features& x) const {
    ForwardMode mode = mode_;
    mode.sum_over_ranks = {};
    if (mode.batch_norm == BatchNormMode::kSync) mode.batch_norm = BatchNormMode::kLocal;
    if (config_.training.batch_norm != "local") return config_.encoder->forward(x, mode);
    std::vector<at::Tensor> parts;
    for (int rank = 0; rank < session_.world.size(); ++rank) {
      const Range share = share_of(x.rows(), {rank, session_.world.size()});
      const int64_t step = config_.training.micro_batch > 0 ? config_.training.micro_batch
                                                            : std::max<int64_t>(share.size(), 1);
      for (int64_t begin = share.begin; begin < share.end; begin += step)
        parts.push_back(encode_rows(x, {begin, std::min(begin + step, share.end)}, mode));
    }
    return at::cat(parts);
  }

  at::Tensor encode_rows(const Features& x, Range rows, const ForwardMode& mode) const {
    return config_.encoder->forward(x.narrow(rows.begin, rows.size()), mode_for_share(mode, rows));
  }

  static at::Tensor flat(const std::vector<at::Tensor>& tensors) {
    std::vector<at::Tensor> parts;
    for (const auto& tensor : tensors) parts.push_back(tensor.reshape(-1));
    return at::cat(parts);
  }

  RunConfig& config_;
  const Session& session_;
  const TrainingData& data_;
  GradientSync sync_;
  ForwardMode mode_;
};

bool goes_with(const Objective& objective, const Objective::Setting& setting, bool two_views) {
  try {
    objective.check(setting);
    if (objective.loss.pairing() != Pairing::kBatch && setting.explicit_tuples) return false;
    // Two towers need two views of each sample next to each other.
    return objective.loss.pairing() != Pairing::kTowers || two_views;
  } catch (const ConfigError&) {
    return false;
  }
}

// With the memory and the exchange that are configured, every loss and miner that goes with them.
std::vector<Line> compare_all(Verifier& verifier, const RunConfig& config, const Objective::Setting& setting,
                              bool two_views, int64_t batches) {
  std::vector<Line> lines;
  for (const auto& loss : loss_table())
    for (const auto& miner : miner_table()) {
      const auto made_loss = loss.make();
      const auto made_miner = miner.make();
      const Objective objective{*made_loss, *made_miner, config.normalize, config.objective().exchange};
      if (!goes_with(objective, setting, two_views)) continue;
      const auto more = verifier.compare(loss.name, miner.name, objective, batches);
      lines.insert(lines.end(), more.begin(), more.end());
    }
  return lines;
}

int report(const std::vector<Line>& lines, int world, const std::string& json_path) {
  nlohmann::json json = nlohmann::json::array();
  bool equal = true;
  for (const auto& line : lines) {
    equal = equal && line.equal;
    json.push_back({{"loss", line.loss},
                    {"miner", line.miner},
                    {"what", line.what},
                    {"max_relative_error", line.error},
                    {"equal", line.equal}});
  }
  if (!json_path.empty()) write_file_atomic(json_path, json_text(json, 2) + "\n");
  std::printf("%-19s %-18s %-20s %s\n", "loss", "miner", "what", "max relative error");
  for (const auto& line : lines)
    std::printf("%-19s %-18s %-20s %.1e  %s\n", line.loss.c_str(), line.miner.c_str(), line.what.c_str(),
                line.error, line.equal ? "equal" : "DIFFERS");
  std::printf("%d rank%s against one process in float64: %s (tolerance %.0e)\n", world, world > 1 ? "s" : "",
              equal ? "equal" : "DIFFERENT", kTolerance);
  return equal ? kDone : kRunFailed;
}

int verify(const Session& session, RunConfig& config, const VerifyArguments& arguments) {
  const TrainingData data = open_training_data(config, session.world.size());
  build_encoder(config, *config.encoder);
  config.encoder->parameters().convert(at::kDouble, session.launch.device());
  Verifier verifier(config, session, data);
  const std::vector<Line> lines = arguments.all ? compare_all(verifier, config, setting_of(config, data),
                                                              deals_sides(config, data), arguments.batches)
                                                : verifier.compare(config.loss.name(), config.miner.name(),
                                                                   config.objective(), arguments.batches);
  int code = session.leads() ? report(lines, session.world.size(), arguments.json) : kDone;
  // mpirun reports the first rank that fails: all ranks say the same.
  code = static_cast<int>(session.world.gather_counts(code).front());
  return code;
}

}  // namespace

int run_verify_gradients(const VerifyArguments& arguments) {
  RunConfig config;
  load_run_config(arguments.config, arguments.assignments, config);
  // What is promised is promised of exact rows over the whole global batch.
  config.training.wire = config.training.similarity_precision = "float32";
  if (config.training.loss_side.mining_scope != "global")
    throw ConfigError("verify-gradients: with mining_scope '" + config.training.loss_side.mining_scope +
                      "' the loss is not that "
                      "of one process with the global batch; verify with --set mining_scope=global");
  return run_on_ranks(config, [&](Session& session) { return verify(session, config, arguments); });
}

}  // namespace lodestone
