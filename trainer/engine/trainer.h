#pragma once

#include <map>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "common/state.h"
#include "sampler/loader.h"
#include "trainer/encoders/encoder.h"
#include "trainer/engine/average.h"
#include "trainer/engine/canonical_pass.h"
#include "trainer/engine/loss_side.h"
#include "trainer/engine/non_finite.h"
#include "trainer/engine/optimizer.h"
#include "trainer/engine/precision.h"
#include "trainer/engine/schedule.h"
#include "trainer/engine/step_metrics.h"

namespace lodestone {

struct TrainerConfig {
  OptimizerConfig optimizer;
  Schedule schedule;
  AverageConfig average;
  std::string precision = "float32";
  std::string batch_norm = "local";
  int64_t micro_batch = 0;
  bool activation_checkpointing = false;
  std::string exchange = "gather";
  std::string wire = "float32";
  std::string similarity_precision = "float32";
  NonFiniteConfig non_finite;
  DeterminismConfig determinism;
  LossSideConfig loss_side;

  Exchange exchanged() const {
    return {exchange == "ring", wire == "bfloat16", similarity_precision == "bfloat16"};
  }

  PassOptions pass() const {
    return {precision, micro_batch, determinism.canonical() ? determinism.micro_shards : 0};
  }

  void visit(Fields& f);
  /// Throws ConfigError where settings don't go together, or not with the device or the encoder.
  void check(c10::Device device, const Encoder& encoder) const;
};

/// How the encoder runs while training: batch_norm is "local", "sync" or "frozen".
ForwardMode training_mode(const Group& world, const std::string& batch_norm);

/// The explicit tuples of a batch whose anchors are among these rows; none if the batch has none.
std::optional<Tuples> explicit_tuples(const Batch& batch, Range anchors, c10::Device device);

/// Counted from a run's first step on, through every restart.
struct RunCounters {
  int64_t samples = 0;           ///< rows trained on, over all ranks
  int64_t non_finite_steps = 0;  ///< whose loss or gradient was not finite
};

/// Trains an encoder on global batches: one object per rank.
/// Ranks     construction, step and share_buffers are collective.
/// Errors    a loss or gradient that is not finite is a NonFiniteError naming step, tensor and ranks, before the weights are
///           touched; with on_non_finite: skip the step is done without an update instead, until max_non_finite is reached.
class Trainer {
 public:
  /// `encoder` is built and outlives the trainer.
  Trainer(Group world, c10::Device device, Encoder& encoder, Objective objective, const TrainerConfig& config,
          LossSideSetup setup = {});

  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// One step on this rank's share of a global batch. `load_seconds` is what the caller waited for the batch.
  StepMetrics step(const Batch& batch, double load_seconds);

  /// This rank's embeddings of the last step, without a graph.
  const at::Tensor& embeddings() const { return z_bD_; }

  int64_t steps_done() const { return steps_done_; }
  /// Why the last step made no update, if its loss or gradient was not finite.
  const std::optional<NonFinite>& non_finite() const { return non_finite_; }
  const RunCounters& counters() const { return counters_; }
  bool finished() const { return steps_done_ >= config_.schedule.steps; }

  /// Makes rank 0's running statistics everyone's: needed before evaluating with local batch norm.
  void share_buffers();
  /// While what it returns lives, the encoder holds the averaged weights, which are the ones to judge; null if there are none.
  std::unique_ptr<Average::InPlace> averaged();

  /// All that training goes on from: weights, running statistics, moments, averaged weights, loss scaler, memory, proxies, the loss's
  /// parameters, steps done and counters. Handles, valid until the next step.
  void visit_state(StateVisitor& v);
  LossSide& loss_side() { return loss_side_; }
  const LossSide& loss_side() const { return loss_side_; }
  /// After a rollback: what led to it counts.
  void set_counters(const RunCounters& counters) { counters_ = counters; }

 private:
  bool keeps_own_statistics() const;
  StepLoss loss_of(const Features& x, const Batch& batch, const at::Tensor& z_bD);
  void backward(const at::Tensor& gradient_bD, PhaseSeconds& phases);
  LocalRows local_rows(const Batch& batch, const at::Tensor& z_bD) const;
  void look_at_health(const StepLoss& loss, ContrastiveHealth& health) const;
  void update(const StepLoss& loss, StepMetrics& report);
  void meet_non_finite(const char* what, double value, const at::Tensor& gradient_bD);

  Group world_;
  c10::Device device_;
  Encoder& encoder_;
  Objective objective_;
  TrainerConfig config_;
  ForwardMode mode_;
  uint64_t seed_;
  std::unique_ptr<EncoderPass> pass_;
  LossSide loss_side_;
  Optimizer optimizer_;
  at::Tensor z_bD_;
  Range share_;  ///< of the step under way
  int64_t global_rows_ = 0;
  LossScaler scaler_;
  std::optional<Average> average_;
  std::optional<KeptBuffers> kept_;
  std::optional<NonFinite> non_finite_;
  RunCounters counters_;
  int64_t steps_done_ = 0;
};

}  // namespace lodestone
