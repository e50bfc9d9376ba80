#pragma once

#include <functional>

#include "common/state.h"
#include "trainer/encoders/encoder.h"
#include "trainer/engine/memory.h"
#include "trainer/engine/proxies.h"
#include "trainer/negatives/global_batch.h"

namespace lodestone {

struct LossSideConfig {
  std::string mining_scope = "global";
  MemoryConfig memory;
  ProxyConfig proxies;

  void visit(Fields& f);
};

/// What the loss side needs to know of a run.
struct LossSideSetup {
  std::vector<int64_t> group_c;  ///< the look-alike group of every class
  int64_t width = 0;             ///< of the embeddings
  at::ScalarType type = at::kFloat;
  uint64_t seed = 0;
  Encoder* slow =
      nullptr;  ///< memory.kind momentum: another encoder of the same architecture, built; it is overwritten
  /// How the slow encoder makes keys of a batch; unset: by a forward pass over this rank's rows.
  std::function<at::Tensor(Encoder& slow, const Features& x)> keys = {};
  /// A hash of every class's name, which its proxy starts from wherever it stands; empty: of its number.
  std::vector<uint64_t> key_c = {};
};

/// All that is learned or remembered on the loss's side of the embeddings: proxies, memory, temperature and the like.
/// Ranks     construction and loss are collective.
class LossSide {
 public:
  /// Throws ConfigError if objective, configuration and setup don't go together.
  LossSide(Group world, c10::Device device, const Objective& objective, const LossSideConfig& config,
           const OptimizerConfig& optimizer, const LossSideSetup& setup, const Encoder& encoder);

  /// A step's rows as the loss is to meet them. `input` points into the object.
  struct Meeting {
    LocalRows rows;                   ///< of the batch, or of its first tower
    std::optional<LocalRows> second;  ///< the other tower's, or momentum keys
    std::optional<RowSet> shard;
    StepInput input;
    at::Tensor first_n, second_n;  ///< with two towers: which rows of the batch each tower has

    /// Gradients of both towers as that of the batch.
    at::Tensor joined(const at::Tensor& gradient_bD, const at::Tensor& second_gradient_bD) const;
  };
  /// `first_row` is the global index of this rank's first row: with two towers, even rows are the first tower's and odd rows the
  /// second's (the two views of a sample). Collective if proxies are sampled.
  std::unique_ptr<Meeting> meet(const LocalRows& rows, const Features& x, int64_t first_row,
                                std::optional<Tuples> tuples, int64_t step);
  /// Enters a step's rows into the memory.
  void remember(const RowSet& rows, int64_t step);
  /// The loss of one step and its gradient by the batch's rows: meet, global_batch_loss, remember.
  StepLoss loss(const LocalRows& rows, const Features& x, int64_t first_row, std::optional<Tuples> tuples,
                int64_t step);
  /// Updates proxies and loss parameters, at this share of the learning rate, and lets the slow encoder follow.
  void update(const StepLoss& step, double factor, const Encoder& encoder);

  std::optional<Memory::Ages> memory_ages(int64_t step) const;
  /// Proxies, memory, the loss's parameters and the slow encoder. `own_statistics`: every rank keeps running statistics of its own.
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
  std::optional<Optimizer> optimizer_;  ///< of the loss parameters
};

}  // namespace lodestone
