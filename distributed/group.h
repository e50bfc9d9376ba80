#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "distributed/transport/group_options.h"
#include "distributed/transport/traffic.h"

namespace lodestone::distributed {

struct GroupState;
struct PendingOp;

/// How all_reduce combines the ranks' values. For bool, sum and maximum are "or", minimum is "and".
enum class ReduceOp { kSum, kMax, kMin };

/// A collective in progress.
/// Ensures   wait() returns the same result each time. Dropping a Pending without wait() lets the collective
///           finish in the background.
/// Throws    CommError as the blocking form does.
/// Threads   one caller at a time.
class Pending {
 public:
  at::Tensor wait();

 private:
  friend class Group;
  explicit Pending(std::shared_ptr<PendingOp> op) : op_(std::move(op)) {}
  std::shared_ptr<PendingOp> op_;
};

/// The communication group of some ranks, as seen by one of them. It is a value: copies refer to the same
/// group.
///
///     const auto rank_sum = [](Group group) {
///       at::Tensor x = at::full({1}, group.rank(), at::kLong);
///       group.all_reduce(x);          // x == 0 + 1 + … + (W - 1) on every rank
///       return group.all_gather(x);   // [W]: the rows of all ranks in rank order
///     };
///     rank_sum(single_group());       // one process alone: [0]
///
///     std::vector<std::thread> ranks; // two ranks as threads of this process: [1, 1] on both
///     for (const Group& group : local_groups(2)) ranks.emplace_back(rank_sum, group);
///     for (std::thread& rank : ranks) rank.join();
///
/// Shapes    tensors of bool, uint8, int32, int64, float16, bfloat16, float32 or float64, any strides;
///           float16 and bfloat16 are summed in float32 and rounded once.
/// Ranks     collective: all ranks call the same operations in the same order, except send_recv.
/// Gradient  none: autograd does not see the operations; all_reduce_sum.h has a differentiable one.
/// Cost      stated per operation and rank, for W ranks and a payload of P bytes. W = 1 costs nothing and
///           copies nothing: results may then alias the input.
/// Throws    CommError naming rank, step, operation and who is late or lost. Afterwards the group, its
///           parents and its splits are unusable: every later operation throws the same error. Error for
///           arguments that do not fit together.
/// Threads   one thread at a time per group; different groups of a rank may be used by different threads.
class Group {
 public:
  int rank() const;
  int size() const;
  /// This rank's position among the ranks of its host; it selects the GPU, for example.
  int local_rank() const;
  /// Its name, for people: "local", "mpi", "nccl" or "mpi+nccl".
  const std::string& backend() const;
  const GroupOptions& options() const;

  /// Combines `x` over ranks, in place; every rank gets the same bits.
  /// Cost      2 (W-1) messages, 2 P (W-1)/W bytes.
  void all_reduce(at::Tensor& x, ReduceOp op = ReduceOp::kSum) const;
  /// Starts an all_reduce. Neither read nor write `x` before wait(), which returns it.
  Pending all_reduce_async(at::Tensor x, ReduceOp op = ReduceOp::kSum) const;

  /// Concatenates the rows of all ranks along dimension 0, in rank order.
  /// Shapes    x: [counts[rank], ...], other dimensions and dtype equal on all ranks; returns [sum(counts),
  ///           ...].
  /// Cost      W-1 messages, (W-1) P bytes where P is the rank's own rows.
  at::Tensor all_gather(const at::Tensor& x, std::span<const int64_t> counts) const;
  /// The same, after exchanging the counts by gather_counts.
  at::Tensor all_gather(const at::Tensor& x) const;
  Pending all_gather_async(const at::Tensor& x, std::span<const int64_t> counts) const;
  /// Every rank's `count`, in rank order.
  /// Cost      W-1 messages of 8 bytes.
  std::vector<int64_t> gather_counts(int64_t count) const;

  /// Sums over ranks and returns this rank's rows: the adjoint of all_gather.
  /// Shapes    x: [sum(counts), ...] on every rank; returns [counts[rank], ...].
  /// Cost      W-1 messages, P - P_own bytes.
  at::Tensor reduce_scatter(const at::Tensor& x, std::span<const int64_t> counts) const;

  /// Overwrites `x` with the root's. Shape and dtype must be equal on all ranks.
  /// Cost      log2(W) messages, P bytes at the root.
  void broadcast(at::Tensor& x, int root = 0) const;
  /// The root's text on every rank.
  /// Cost      two broadcasts.
  std::string broadcast_text(const std::string& text, int root = 0) const;

  /// Sends `x` to rank `to` and receives a tensor of x's dtype and the given shape from rank `from`: one step
  /// of a ring. Only the communicating ranks take part.
  /// Cost      one message, P bytes.
  at::Tensor send_recv(const at::Tensor& x, int to, std::span<const int64_t> shape, int from) const;

  /// Returns when every rank has called it.
  /// Cost      as an all_reduce of one byte.
  void barrier() const;

  /// Splits the group: ranks with the same color form a new group, ordered by (key, rank).
  /// Cost      one small all_gather and the backend's set-up.
  Group split(int64_t color, int64_t key) const;
  /// The group of the ranks on this rank's host.
  Group split_by_host() const;

  /// Sets the training step for error messages and heartbeats.
  void set_step(int64_t step) const;
  Traffic traffic() const;
  /// Throws CommError("group <what> …") if the job has failed. Cheap; not collective. Results from a device
  /// are valid only if this passes after the device has finished: a failure ends collectives in progress,
  /// whatever they have computed.
  void check(const char* what) const;
  /// Makes the group unusable on every rank: collectives in progress and later ones throw CommError with
  /// `why`. `code`, if not 0, is the exit code with which all ranks of the job end
  /// (ControlPlane::failure_code).
  void abort(const std::string& why, int code = 0) const;

  /// For distributed/ only.
  explicit Group(std::shared_ptr<GroupState> state) : state_(std::move(state)) {}
  GroupState& state() const { return *state_; }
  const std::shared_ptr<GroupState>& share() const { return state_; }

 private:
  std::shared_ptr<GroupState> state_;
};

/// The group of a single process; it never communicates.
Group single_group();

/// Groups for ranks that are threads of this process; element r is for the thread of rank r. For tests and
/// experiments.
/// Requires  each rank calls its operations on a thread of its own.
std::vector<Group> local_groups(int world, const GroupOptions& options = {});

}  // namespace lodestone::distributed
