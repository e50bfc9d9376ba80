#pragma once

#include <functional>

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
/// Ranks     construction, loss, gathered and restore are collective.
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
  /// Everything to save, on the CPU, by group and name; collective. Sharded tensors are defined on rank 0 only, unless each rank holds
  /// them whole (determinism: canonical).
  std::map<std::string, std::map<std::string, at::Tensor>> gathered() const;
  /// Throws CheckpointError if what is needed is not there, or of another shape. Needs shapes and dtypes alone.
  void check(const std::map<std::string, std::map<std::string, at::Tensor>>& whole) const;
  /// The reverse of gathered, collective over any number of ranks. Of sharded groups, ranks of `ranks` other than 0 need shapes and
  /// dtypes alone (see scatter_rows). Throws as check, before anything is overwritten.
  void restore(const Group& ranks, const std::map<std::string, std::map<std::string, at::Tensor>>& whole);
  /// Whether this run saves such a group.
  bool has(const std::string& group) const;
  /// Whether the ranks share out the tensors of this group.
  static bool sharded(const std::string& group) { return group == kProxies || group == kMemory; }

  /// Handles of the slow encoder's weights and statistics; empty if there is none.
  std::map<std::string, at::Tensor> slow_tensors() const;

 private:
  static constexpr const char *kProxies = "proxies", *kMemory = "memory";

  std::map<std::string, std::map<std::string, at::Tensor>> replicated()
      const;  ///< handles of what all ranks have alike
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
