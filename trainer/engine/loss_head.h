#pragma once

#include <functional>

#include "common/state.h"
#include "trainer/encoders/encoder.h"
#include "trainer/engine/memory.h"
#include "trainer/engine/proxies.h"
#include "trainer/negatives/global_batch.h"

namespace lodestone::engine {

/// Which rows are compared with each other.
enum class MiningScope {
  kLocal,   ///< those of one rank
  kNode,    ///< those of the ranks of one host
  kGlobal,  ///< those of the global batch
};
inline constexpr Choice<MiningScope> kMiningScopes[] = {
    {"local", MiningScope::kLocal}, {"node", MiningScope::kNode}, {"global", MiningScope::kGlobal}};

/// Settings of mining_scope, memory and proxies.
struct LossHeadConfig {
  MiningScope mining_scope = MiningScope::kGlobal;
  MemoryConfig memory;
  ProxyConfig proxies;

  void visit(Fields& f);
};

/// What LossHead needs from the run.
struct LossHeadSetup {
  std::vector<int64_t> group_c;  ///< the look-alike group of every class
  int64_t width = 0;             ///< width of the embeddings
  at::ScalarType type = at::kFloat;
  uint64_t seed = 0;
  /// memory.kind momentum: the momentum encoder, another built encoder of the same architecture; its weights
  /// are overwritten
  encoders::Encoder* momentum_encoder = nullptr;
  /// Computes the keys of a batch with the momentum encoder; unset: a forward pass over this rank's rows.
  std::function<at::Tensor(encoders::Encoder& momentum_encoder, const Features& x)> keys = {};
  /// A hash of every class's name, from which its proxy starts, so that the start does not depend on the
  /// class's number; empty: the number is used.
  std::vector<uint64_t> key_c = {};
};

/// Everything besides the encoder that is learned or remembered for the loss: proxies, memory, momentum
/// encoder, temperature and other loss parameters.
/// Ranks     construction and loss are collective, and so is prepare if proxies are sampled
/// Throws    ConfigError from the constructor if objective, configuration and setup do not go together
class LossHead {
 public:
  LossHead(distributed::Group world, c10::Device device, const negatives::Objective& objective,
           const LossHeadConfig& config, const OptimizerConfig& optimizer, const LossHeadSetup& setup,
           encoders::Encoder& encoder);

  /// The inputs of the loss for one step.
  struct Inputs {
    negatives::LocalRows rows;  ///< rows of the batch, or of its first tower
    negatives::StepInput input;
    at::Tensor first_n, second_n;  ///< with two towers: the batch indices of each tower's rows

    /// Merges the gradients of both towers into the gradient of the batch.
    at::Tensor joined(const at::Tensor& gradient_bD, const at::Tensor& second_gradient_bD) const;
  };
  /// Prepares the inputs of the loss. `first_row` is the global index of this rank's first row: with two
  /// towers, even rows belong to the first tower and odd rows to the second (the two views of a sample).
  /// Collective if proxies are sampled.
  Inputs prepare(const negatives::LocalRows& rows, const Features& x, int64_t first_row,
                 std::optional<miners::Tuples> tuples, int64_t step);
  /// Adds a step's rows to the memory, if there is one.
  void remember(const negatives::RowSet& rows, int64_t step);
  /// The loss of one step and its gradient by the rows of the batch: prepare, global_batch_loss, remember.
  negatives::StepLoss loss(const negatives::LocalRows& rows, const Features& x, int64_t first_row,
                           std::optional<miners::Tuples> tuples, int64_t step);
  /// Updates proxies and loss parameters with `factor` times the learning rate, and moves the momentum
  /// encoder towards the encoder.
  void update(const negatives::StepLoss& step, double factor, encoders::Encoder& encoder);

  std::optional<Memory::Ages> memory_ages(int64_t step) const;
  /// Visits proxies, memory, the loss's parameters and the momentum encoder. `own_statistics`: every rank
  /// keeps running statistics of its own.
  void visit_state(StateVisitor& v, bool own_statistics);

 private:
  bool remembers(int64_t step) const { return memory_ && step >= config_.memory.start_step; }
  distributed::Group world_;
  c10::Device device_;
  negatives::Objective objective_;
  LossHeadConfig config_;
  LossHeadSetup setup_;
  std::optional<distributed::Group> scope_;
  std::optional<Proxies> proxies_;
  std::optional<Memory> memory_;
  std::vector<losses::LossParameter> learned_;
  std::optional<Optimizer> optimizer_;  ///< optimizer of the loss parameters
};

}  // namespace lodestone::engine
