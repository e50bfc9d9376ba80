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
#include "trainer/engine/loss_head.h"
#include "trainer/engine/non_finite.h"
#include "trainer/engine/optimizer.h"
#include "trainer/engine/precision.h"
#include "trainer/engine/schedule.h"
#include "trainer/engine/step_metrics.h"

namespace lodestone::engine {

/// How ranks get each other's embeddings.
enum class RowExchange {
  kGather,  ///< every rank holds those of the global batch
  kRing,    ///< ranks pass theirs round a ring
};

/// Settings of training; `visit` documents each.
struct TrainerConfig {
  OptimizerConfig optimizer;
  Schedule schedule;
  AverageConfig average;
  Precision precision = Precision::kFloat32;
  encoders::BatchNormMode batch_norm = encoders::BatchNormMode::kLocal;
  int64_t micro_batch = 0;
  bool activation_checkpointing = false;
  RowExchange exchange = RowExchange::kGather;
  Precision wire = Precision::kFloat32;
  Precision similarity_precision = Precision::kFloat32;
  NonFiniteConfig non_finite;
  DeterminismConfig determinism;
  LossHeadConfig loss_head;

  negatives::Exchange exchanged() const {
    return {exchange == RowExchange::kRing, wire == Precision::kBFloat16,
            similarity_precision == Precision::kBFloat16};
  }

  PassOptions pass() const {
    return {precision, micro_batch, determinism.canonical() ? determinism.micro_shards : 0};
  }

  void visit(Fields& f);
  /// Throws ConfigError if settings contradict each other or the device.
  void check(c10::Device device) const;
  /// The same, with the encoder.
  void check(c10::Device device, const encoders::Encoder& encoder) const;
};

/// The forward mode of training.
encoders::ForwardMode training_mode(const distributed::Group& world, encoders::BatchNormMode batch_norm);

/// The explicit tuples of a batch whose anchors are in the range `anchors` of the global batch; unset if the
/// batch has none.
std::optional<miners::Tuples> explicit_tuples(const sampler::Batch& batch, sampler::Range anchors,
                                              c10::Device device);

/// Counters of the whole run, through every restart.
struct RunCounters {
  int64_t samples = 0;           ///< rows trained on, summed over ranks
  int64_t non_finite_steps = 0;  ///< steps whose loss or gradient was not finite
};

/// Trains an encoder on global batches. Each rank has one object.
///
///     // loader: a sampler::Loader (sampler/loader.h) of greyscale images of 28 × 28 pixels
///     Slot<encoders::Encoder> encoder(encoders::encoder_table(), "conv4");
///     Slot<losses::Loss> loss(losses::loss_table(), "infonce");
///     Slot<miners::Miner> miner(miners::miner_table(), "all");
///     encoder->build({1, 28, 28}, 7);                            // seed 7
///     TrainerConfig config;
///     config.schedule.steps = 20;
///     Trainer trainer(distributed::single_group(), at::kCPU, *encoder, {*loss, *miner}, config);
///     while (!trainer.finished()) {
///       const StepMetrics step = trainer.step(loader.next(), 0);  // b images
///       const at::Tensor& z_bD = trainer.embeddings();            // [b, encoder->output_dim()]
///     }
///
/// Shapes    a batch of b rows, of which there are B on all ranks; b may be 0; embeddings() is [b, D]
/// Ranks     construction, step and share_buffers are collective
/// Gradient  the update uses the gradient of the loss over the global batch, summed over ranks
/// Cost      one step: the encoder's forward and backward pass over b rows (with micro_batch a second forward
///           pass), the loss (global_batch.h) and one all-reduce of the parameters' gradients
/// Throws    ConfigError from the constructor if settings do not go together; NonFiniteError, naming step,
///           tensor and ranks, for a loss or gradient that is not finite, before the weights are touched
///           (with on_non_finite: skip only after max_non_finite such steps; until then the step makes no
///           update); CommError if a peer is lost
/// Threads   one caller
/// Owns      optimizer, memory, proxies and averaged weights; not the encoder, the loss and the miner, which
///           must outlive it
class Trainer {
 public:
  /// Requires that `encoder` is built.
  Trainer(distributed::Group world, c10::Device device, encoders::Encoder& encoder,
          negatives::Objective objective, const TrainerConfig& config, LossHeadSetup setup = {});

  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// Runs one step on this rank's share of a global batch. `load_seconds` is how long the caller waited for
  /// the batch.
  StepMetrics step(const sampler::Batch& batch, double load_seconds);

  /// This rank's embeddings of the last step: z_bD, detached.
  const at::Tensor& embeddings() const { return z_bD_; }

  int64_t steps_done() const { return steps_done_; }
  /// Set if the loss or gradient of the last step was not finite; the step then made no update.
  const std::optional<NonFinite>& non_finite() const { return non_finite_; }
  const RunCounters& counters() const { return counters_; }
  bool finished() const { return steps_done_ >= config_.schedule.steps; }

  /// Copies the running statistics of rank 0 to all ranks. Required before an evaluation with local batch
  /// norm.
  void share_buffers();
  /// While the returned object lives, the encoder holds the averaged weights, which are the ones to evaluate.
  /// Null if no average is kept.
  std::unique_ptr<Average::InPlace> averaged();

  /// Visits the state of a checkpoint: weights, running statistics, moments, averaged weights, loss scaler,
  /// memory, proxies, the loss's parameters, the number of steps and the counters. The tensors are handles,
  /// valid until the next step.
  void visit_state(StateVisitor& v);
  LossHead& loss_head() { return loss_head_; }
  const LossHead& loss_head() const { return loss_head_; }
  /// Replaces the counters. After a rollback the steps that led to it must still count.
  void set_counters(const RunCounters& counters) { counters_ = counters; }

 private:
  bool keeps_own_statistics() const;
  negatives::StepLoss loss_of(const Features& x, const sampler::Batch& batch, const at::Tensor& z_bD);
  void backward(const at::Tensor& gradient_bD, PhaseSeconds& phases);
  negatives::LocalRows local_rows(const sampler::Batch& batch, const at::Tensor& z_bD) const;
  void measure_health(const negatives::StepLoss& loss, ContrastiveHealth& health) const;
  void update(const negatives::StepLoss& loss, StepMetrics& report);
  void handle_non_finite(NonFiniteValue what, double value, const at::Tensor& gradient_bD);

  distributed::Group world_;
  c10::Device device_;
  encoders::Encoder& encoder_;
  negatives::Objective objective_;
  TrainerConfig config_;
  encoders::ForwardMode mode_;
  uint64_t seed_;
  std::unique_ptr<EncoderPass> pass_;
  LossHead loss_head_;
  Optimizer optimizer_;
  at::Tensor z_bD_;
  sampler::Range share_;  ///< rows of the current step in the global batch
  int64_t global_rows_ = 0;
  LossScaler scaler_;
  std::optional<Average> average_;
  std::optional<KeptBuffers> kept_;
  std::optional<NonFinite> non_finite_;
  RunCounters counters_;
  int64_t steps_done_ = 0;
};

}  // namespace lodestone::engine
