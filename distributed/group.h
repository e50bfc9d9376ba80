#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace lodestone {

struct GroupState;
struct Flight;

/// How all_reduce combines the ranks' values. For bool, a sum and a maximum are "or", a minimum is "and".
enum class ReduceOp { kSum, kMax, kMin };

/// Calls of one verb and the payload bytes this rank sent for them, counted as in the bandwidth-optimal
/// algorithm.
struct VerbTraffic {
  int64_t calls = 0;
  int64_t bytes = 0;
};

/// What a group has sent so far, per verb. gradient_sync is GradientSync's share.
struct Traffic {
  VerbTraffic all_reduce, all_gather, reduce_scatter, broadcast, send_recv, barrier, gradient_sync;

  int64_t calls() const;
  int64_t bytes() const;
};

/// Settings that all ranks of a group must share.
struct GroupOptions {
  /// How long a rank waits inside one collective for the others before that is a CommError naming the late
  /// ones.
  std::chrono::milliseconds timeout{600'000};
  /// Compare (step, verb, dtype, shape) over ranks before the data of each collective moves: finds ranks that
  /// went separate ways at once and names them. Costs what call_check.h says.
  bool compare_calls = false;
  /// Elements that one MPI call may carry; larger tensors go in pieces. MPI counts are int.
  int64_t max_chunk = int64_t{1} << 30;
  /// local_groups only: ranks that count as one host, so that host-wise splits can be tried. 0 = all.
  int ranks_per_host = 0;
};

/// A collective under way.
/// Ensures    wait() returns its result once and again; dropping a Pending unwaited lets the collective
///            finish by itself.
/// Throws     CommError as the blocking form would.
/// Threads    one caller at a time.
class Pending {
 public:
  at::Tensor wait();

 private:
  friend class Group;
  explicit Pending(std::shared_ptr<Flight> flight) : flight_(std::move(flight)) {}
  std::shared_ptr<Flight> flight_;
};

/// The ranks that work together, as seen by one of them. A value: copies name the same group.
/// Ranks      every verb is collective: all ranks call the same verbs in the same order, send_recv excepted.
/// Shapes     tensors of bool, uint8, int32, int64, float16, bfloat16, float32 or float64, any strides;
///            float16 and bfloat16 are summed in float32 and rounded once. None of the verbs is seen by
///            autograd (all_reduce_sum.h has one that is).
/// Cost       stated per verb for W ranks and a payload of P bytes, per rank. W = 1 costs nothing and copies
///            nothing: results may then alias the input.
/// Throws     CommError naming rank, step, verb and who is late or lost. The group, its parents and its
///            splits are unusable afterwards: every later verb repeats the error. Error for arguments that do
///            not fit together.
/// Threads    one thread at a time per group; different groups of a rank may be used by different threads.
class Group {
 public:
  int rank() const;
  int size() const;
  /// This rank's position among the ranks of its host; which GPU it uses, for one.
  int local_rank() const;
  /// "local", "mpi", "nccl" or "mpi+nccl".
  const std::string& backend() const;
  const GroupOptions& options() const;

  /// Combines `x` over ranks, in place; every rank gets the same bits.
  /// Cost       2 (W-1) messages, 2 P (W-1)/W bytes.
  void all_reduce(at::Tensor& x, ReduceOp op = ReduceOp::kSum) const;
  /// `x` must not be touched before wait(), which returns it.
  Pending all_reduce_async(at::Tensor x, ReduceOp op = ReduceOp::kSum) const;

  /// The rows of all ranks, concatenated along dimension 0 in rank order.
  /// Shapes     x: [counts[rank], ...], other dimensions and dtype equal on all ranks; returns [sum(counts),
  ///            ...].
  /// Cost       W-1 messages, (W-1) P bytes where P is the rank's own rows.
  at::Tensor all_gather(const at::Tensor& x, std::span<const int64_t> counts) const;
  /// Learns the counts first, by gather_counts.
  at::Tensor all_gather(const at::Tensor& x) const;
  Pending all_gather_async(const at::Tensor& x, std::span<const int64_t> counts) const;
  /// Every rank's number, in rank order. Cost: W-1 messages of 8 bytes.
  std::vector<int64_t> gather_counts(int64_t count) const;

  /// Sums over ranks and keeps this rank's rows: the adjoint of all_gather.
  /// Shapes     x: [sum(counts), ...] on every rank; returns [counts[rank], ...].
  /// Cost       W-1 messages, P - P_own bytes.
  at::Tensor reduce_scatter(const at::Tensor& x, std::span<const int64_t> counts) const;

  /// Overwrites `x` with the root's. Shape and dtype are equal on all ranks. Cost: log2(W) messages, P bytes
  /// at the root.
  void broadcast(at::Tensor& x, int root = 0) const;
  /// The root's text on every rank. Cost: two broadcasts.
  std::string broadcast_text(const std::string& text, int root = 0) const;

  /// Sends `x` to rank `to` while receiving a tensor of x's dtype and shape `shape` from rank `from`: a step
  /// of a ring. Only the ranks that talk to each other take part. Cost: one message, P bytes.
  at::Tensor send_recv(const at::Tensor& x, int to, std::span<const int64_t> shape, int from) const;

  /// Returns when every rank has called it. Cost: as an all_reduce of one byte.
  void barrier() const;

  /// New groups, one per colour, of the ranks that gave it; ordered by (key, rank). Cost: one small
  /// all_gather and the backend's own set-up.
  Group split(int64_t color, int64_t key) const;
  /// The ranks that share this rank's host.
  Group split_by_host() const;

  /// The training step that error messages and heartbeats mention.
  void set_step(int64_t step) const;
  Traffic traffic() const;
  /// Throws CommError("group <what> …") if the job has failed. Cheap. Not collective. What a device has computed is to be believed
  /// only if this passes once the device is done: a failure ends calls under way, whatever they have got.
  void check(const char* what) const;
  /// Makes the group unusable for every rank: collectives under way and later ones throw CommError with
  /// `why`.
  void abort(const std::string& why) const;

  /// For distributed/ itself.
  explicit Group(std::shared_ptr<GroupState> state) : state_(std::move(state)) {}
  GroupState& state() const { return *state_; }
  const std::shared_ptr<GroupState>& share() const { return state_; }

 private:
  std::shared_ptr<GroupState> state_;
};

/// The group of a process on its own. Never communicates.
Group single_group();

/// Ranks as threads of this process: element r is for the thread that plays rank r. For tests and for trying
/// things out.
/// Requires   every rank's verbs run on a thread of its own.
std::vector<Group> local_groups(int world, const GroupOptions& options = {});

}  // namespace lodestone
