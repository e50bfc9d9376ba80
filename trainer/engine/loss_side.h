#pragma once

#include <functional>

#include "common/state.h"
#include "trainer/encoders/encoder.h"
#include "trainer/engine/memory.h"
#include "trainer/engine/proxies.h"
#include "trainer/negatives/global_batch.h"

namespace lodestone {

/// Which rows are compared with each other.
enum class MiningScope {
  kLocal,   ///< those of one rank
  kNode,    ///< those of the ranks of one host
  kGlobal,  ///< those of the global batch
};
inline constexpr Choice<MiningScope> kMiningScopes[] = {
    {"local", MiningScope::kLocal}, {"node", MiningScope::kNode}, {"global", MiningScope::kGlobal}};

/// Settings of mining_scope, memory and proxies.
struct LossSideConfig {
  MiningScope mining_scope = MiningScope::kGlobal;
  MemoryConfig memory;
  ProxyConfig proxies;

  void visit(Fields& f);
};

/// What LossSide needs from the run.
struct LossSideSetup {
  std::vector<int64_t> group_c;  ///< the look-alike group of every class
  int64_t width = 0;             ///< width of the embeddings
  at::ScalarType type = at::kFloat;
  uint64_t seed = 0;
  /// memory.kind momentum: the momentum encoder, another built encoder of the same architecture; its weights
  /// are overwritten
  Encoder* slow = nullptr;
  /// Computes the keys of a batch with the momentum encoder; unset: a forward pass over this rank's rows.
  std::function<at::Tensor(Encoder& slow, const Features& x)> keys = {};
  /// A hash of every class's name, from which its proxy starts, so that the start does not depend on the
  /// class's number; empty: the number is used.
  std::vector<uint64_t> key_c = {};
};

/// Everything besides the encoder that is learned or remembered for the loss: proxies, memory, momentum
/// encoder, temperature and other loss parameters.
/// Ranks     construction and loss are collective, and so is meet if proxies are sampled
/// Throws    ConfigError from the constructor if objective, configuration and setup do not go together
class LossSide {
 public:
  LossSide(Group world, c10::Device device, const Objective& objective, const LossSideConfig& config,
           const OptimizerConfig& optimizer, const LossSideSetup& setup, const Encoder& encoder);

  /// The inputs of the loss for one step.
  struct Meeting {
    LocalRows rows;  ///< rows of the batch, or of its first tower
    StepInput input;
    at::Tensor first_n, second_n;  ///< with two towers: the batch indices of each tower's rows

    /// Merges the gradients of both towers into the gradient of the batch.
    at::Tensor joined(const at::Tensor& gradient_bD, const at::Tensor& second_gradient_bD) const;
  };
  /// Prepares the inputs of the loss. `first_row` is the global index of this rank's first row: with two
  /// towers, even rows belong to the first tower and odd rows to the second (the two views of a sample).
  /// Collective if proxies are sampled.
  Meeting meet(const LocalRows& rows, const Features& x, int64_t first_row, std::optional<Tuples> tuples,
               int64_t step);
  /// Adds a step's rows to the memory, if there is one.
  void remember(const RowSet& rows, int64_t step);
  /// The loss of one step and its gradient by the rows of the batch: meet, global_batch_loss, remember.
  StepLoss loss(const LocalRows& rows, const Features& x, int64_t first_row, std::optional<Tuples> tuples,
                int64_t step);
  /// Updates proxies and loss parameters with `factor` times the learning rate, and moves the momentum
  /// encoder towards the encoder.
  void update(const StepLoss& step, double factor, const Encoder& encoder);

  std::optional<Memory::Ages> memory_ages(int64_t step) const;
  /// Visits proxies, memory, the loss's parameters and the momentum encoder. `own_statistics`: every rank
  /// keeps running statistics of its own.
  void visit_state(StateVisitor& v, bool own_statistics);

 private:
  bool remembers(int64_t step) const { return memory_ && step >= config_.memory.start_step; }
  Group world_;
  c10::Device device_;
  Objective objective_;
  LossSideConfig config_;
  LossSideSetup setup_;
  std::optional<Group> scope_;
  std::optional<Proxies> proxies_;
  std::optional<Memory> memory_;
  std::vector<LossParameter> learned_;
  std::optional<Optimizer> optimizer_;  ///< optimizer of the loss parameters
};

}  // namespace lodestone
