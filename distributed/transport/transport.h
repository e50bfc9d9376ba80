#pragma once

// The one header of distributed/ that shows c10d types. Internal: include it from .cpp files only.

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "distributed/control/control.h"
#include "distributed/group.h"
#include "distributed/transport/context.h"

namespace lodestone {

using Clock = std::chrono::steady_clock;

/// Which ranks a backend connects and what its errors may say of them.
struct Members {
  std::string id;                ///< the same on every member, unique within the job
  int rank = 0;                  ///< this rank's position in world_ranks
  std::vector<int> world_ranks;  ///< the members, by their rank in the job
  std::shared_ptr<GroupContext> context;
  GroupOptions options;

  int size() const { return static_cast<int>(world_ranks.size()); }
};

/// A collective of one of our own backends. Whoever carries it out ends it by done() or fail(); the first
/// call counts. The backend answers before the deadline; should its thread be stuck inside a system call,
/// wait() gives up a little later.
class RankWork : public c10d::Work {
 public:
  RankWork(const Members& members, c10d::OpType type, const char* verb, std::vector<at::Tensor> results);

  bool wait(std::chrono::milliseconds timeout = kNoTimeout) override;
  c10::intrusive_ptr<c10::ivalue::Future> getFuture() override { return future_; }
  std::vector<at::Tensor> result() override { return results_; }

  /// Enters the call into the flight record, which learns its end.
  void recorded(const std::string& group, int64_t bytes);
  void done();
  void fail(std::exception_ptr error);
  const char* verb() const { return verb_; }
  Clock::time_point deadline() const { return deadline_; }

 private:
  const std::shared_ptr<GroupContext> context_;
  const char* const verb_;
  const Clock::time_point deadline_;
  std::vector<at::Tensor> results_;
  c10::intrusive_ptr<c10::ivalue::Future> future_;
  std::atomic<bool> ended_{false};
  uint64_t sequence_ = 0;  // in the flight record
};

/// One collective or message, as a rank asks for it. All tensors are contiguous and on the CPU.
struct Call {
  c10d::OpType kind;
  const char* verb;
  c10d::ReduceOp::RedOpType op = c10d::ReduceOp::SUM;
  int peer = 0;                     ///< root, destination or source, by position in the group
  std::vector<at::Tensor> inputs;   ///< one; for reduce_scatter one per rank, adjacent in memory
  std::vector<at::Tensor> outputs;  ///< one; for all_gather one per rank, adjacent in memory
  c10::intrusive_ptr<RankWork> work;
};

/// Our own backends: they translate c10d's interface, as far as Group and the Reducer use it, to Calls.
class Transport : public c10d::Backend {
 public:
  explicit Transport(Members members)
      : c10d::Backend(members.rank, members.size()), members_(std::move(members)) {}

  /// Takes the call on and returns at once; call.work ends before its deadline whatever the other ranks do.
  virtual void carry(Call call) = 0;
  /// A backend for some of this one's ranks. Collective over those ranks, given by position in this group.
  virtual c10::intrusive_ptr<Transport> subgroup(Members members, const std::vector<int>& positions) = 0;
  /// Fails whatever is under way, on every rank that this process can reach.
  virtual void poison(const std::string& why) = 0;

  using WorkPtr = c10::intrusive_ptr<c10d::Work>;
  using Tensors = std::vector<at::Tensor>;
  const std::string getBackendName() const override { return "lodestone"; }
  WorkPtr allreduce(Tensors& tensors, const c10d::AllreduceOptions& options) override;
  WorkPtr broadcast(Tensors& tensors, const c10d::BroadcastOptions& options) override;
  WorkPtr allgather(std::vector<Tensors>& outputs, Tensors& inputs,
                    const c10d::AllgatherOptions& options) override;
  WorkPtr _allgather_base(at::Tensor& output, at::Tensor& input,
                          const c10d::AllgatherOptions& options) override;
  WorkPtr reduce_scatter(Tensors& outputs, std::vector<Tensors>& inputs,
                         const c10d::ReduceScatterOptions& options) override;
  WorkPtr _reduce_scatter_base(at::Tensor& output, at::Tensor& input,
                               const c10d::ReduceScatterOptions& options) override;
  WorkPtr send(Tensors& tensors, int destination, int tag) override;
  WorkPtr recv(Tensors& tensors, int source, int tag) override;

 protected:
  const Members members_;

 private:
  WorkPtr begin(Call call);
};

/// The state that the copies of a Group share.
struct GroupState : std::enable_shared_from_this<GroupState> {
  Members members;
  int local_rank = 0;
  std::string host;                        ///< equal for ranks of one host
  std::string backend;                     ///< its name, for people
  c10::intrusive_ptr<Transport> cpu;       ///< null in world 1 and in jobs that only have GPUs
  c10::intrusive_ptr<c10d::Backend> cuda;  ///< null without NCCL
  int cuda_index = -1;
  std::mutex mutex;  ///< guards what follows
  Traffic traffic;
  std::map<std::string, double> seconds;  ///< by verb, that callers spent starting and awaiting
  int64_t splits = 0;
  uint64_t cuda_calls = 0;

  ~GroupState() { close_cuda(false); }
  /// NCCL for the members, from the control plane's store. Collective.
  void open_cuda(const std::string& purpose);
  /// Ends calls under way on the device, which would wait for a lost rank for ever. Any thread may do so.
  void abort_cuda() noexcept;
  /// Ends NCCL's part while its ranks and its store are still there: in order, or at once where something failed.
  void close_cuda(bool failed) noexcept;
};

/// The row of the state's Traffic that `verb` points at, counted up.
void count_traffic(GroupState& state, VerbTraffic Traffic::*verb, int64_t bytes);
/// Adds to the seconds of a verb.
void count_seconds(GroupState& state, const char* verb, double seconds);

/// Counts the seconds of its own life for a verb, unless there is no state.
class VerbTimer {
 public:
  VerbTimer(GroupState* state, const char* verb) : state_(state), verb_(verb), start_(Clock::now()) {}
  ~VerbTimer() {
    if (state_ != nullptr)
      count_seconds(*state_, verb_, std::chrono::duration<double>(Clock::now() - start_).count());
  }
  VerbTimer(const VerbTimer&) = delete;
  VerbTimer& operator=(const VerbTimer&) = delete;

 private:
  GroupState* state_;
  const char* verb_;
  Clock::time_point start_;
};

/// "not all ranks came within 600000 ms: <who>".
std::string late_text(const Members& members, const std::string& who);

/// Sum, maximum or minimum of same-shaped CPU tensors, folded in order; float16 and bfloat16 in float32.
at::Tensor reduce_in_order(const std::vector<at::Tensor>& parts, c10d::ReduceOp::RedOpType op);

/// A client of the control plane's store whose keys and values belong to the running generation and to `purpose`: others can
/// neither read nor replace them. `refused` hears of what others have put there.
c10::intrusive_ptr<c10d::Store> open_store(const ControlPlane& control, const std::string& purpose,
                                           std::function<void(const std::string&)> refused);

std::vector<c10::intrusive_ptr<Transport>> make_local_transports(const std::vector<Members>& members);

/// Which of its host's ranks a rank is.
struct MpiPlace {
  int local_rank = 0;
  int local_world = 1;
};

/// MPI for one process: initialises it, moves every message on one communication thread, finalises it.
/// Threads: construct and destroy on the same thread.
class MpiRuntime {
 public:
  virtual ~MpiRuntime() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Collective, before any group exists, like exchange().
  virtual MpiPlace place() = 0;
  /// Rank 0's text on every rank, before any group exists. Blocks without a deadline, as MPI_Init itself
  /// does.
  virtual std::string exchange(const std::string& text) = 0;
  virtual c10::intrusive_ptr<Transport> world(Members members) = 0;
  /// Ends the communication thread and MPI. With `failed`, MPI_Finalize is left out: it would wait for dead
  /// ranks.
  virtual void close(bool failed) = 0;
};
std::unique_ptr<MpiRuntime> start_mpi();

/// What the CUDA module (liblodestone_nccl.so) offers. The twin backends/no_nccl.cpp answers in builds
/// without it.
struct CudaModule {
  int (*device_count)();
  int (*select_device)(
      int local_rank);  ///< makes this rank's GPU current and returns its index; throws if absent
  c10::intrusive_ptr<c10d::Backend> (*make_nccl)(const Members& members,
                                                 c10::intrusive_ptr<c10d::Store> store, int device_index);
};
/// Loads it once. Throws ConfigError saying what is missing.
const CudaModule& load_cuda_module();
/// Why load_cuda_module would throw, or "" if it would not.
std::string cuda_module_problem();

}  // namespace lodestone
