#pragma once

// The only header of distributed/ with c10d types. Internal: include it from .cpp files only.

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

/// The ranks that a backend connects, and the settings for its errors and waits.
struct Members {
  std::string id;                ///< equal on every member, unique within the job
  int rank = 0;                  ///< this rank's position in world_ranks
  std::vector<int> world_ranks;  ///< the members' ranks in the job
  std::shared_ptr<GroupContext> context;
  GroupOptions options;

  int size() const { return static_cast<int>(world_ranks.size()); }
};

/// A collective of one of our own backends. The backend completes it by done() or fail(), before the
/// deadline; only the first call counts. If the backend's thread hangs inside a system call, wait() gives up
/// a little after the deadline.
class RankWork : public c10d::Work {
 public:
  RankWork(const Members& members, c10d::OpType type, const char* verb, std::vector<at::Tensor> results);

  bool wait(std::chrono::milliseconds timeout = kNoTimeout) override;
  c10::intrusive_ptr<c10::ivalue::Future> getFuture() override { return future_; }
  std::vector<at::Tensor> result() override { return results_; }

  /// Adds the call to the flight record, which is updated at its end.
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

/// One collective or message, as a rank requests it. All tensors are contiguous and on the CPU.
struct Call {
  c10d::OpType kind;
  const char* verb;
  c10d::ReduceOp::RedOpType op = c10d::ReduceOp::SUM;
  int peer = 0;                     ///< root, destination or source, by position in the group
  std::vector<at::Tensor> inputs;   ///< one; for reduce_scatter one per rank, adjacent in memory
  std::vector<at::Tensor> outputs;  ///< one; for all_gather one per rank, adjacent in memory
  c10::intrusive_ptr<RankWork> work;
};

/// Base class of our own backends: translates c10d's interface, as far as Group and the Reducer use it, to
/// Calls.
class Transport : public c10d::Backend {
 public:
  explicit Transport(Members members)
      : c10d::Backend(members.rank, members.size()), members_(std::move(members)) {}

  /// Accepts the call and returns at once; call.work ends before its deadline whatever the other ranks do.
  virtual void carry(Call call) = 0;
  /// Makes a backend for some of this one's ranks. Collective over those ranks, given by position in this
  /// group.
  virtual c10::intrusive_ptr<Transport> subgroup(Members members, const std::vector<int>& positions) = 0;
  /// Fails all calls in progress, on every rank that this process can reach.
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

/// The state shared by the copies of a Group.
struct GroupState : std::enable_shared_from_this<GroupState> {
  Members members;
  int local_rank = 0;
  std::string host;                        ///< equal for ranks of one host
  std::string backend;                     ///< its name, for people
  c10::intrusive_ptr<Transport> cpu;       ///< null for a single rank and in jobs with GPUs only
  c10::intrusive_ptr<c10d::Backend> cuda;  ///< null without NCCL
  int cuda_index = -1;
  std::mutex mutex;  ///< guards the members below
  Traffic traffic;
  std::map<std::string, double> seconds;  ///< by verb, spent by callers starting and awaiting
  int64_t splits = 0;
  uint64_t cuda_calls = 0;

  ~GroupState() { close_cuda(false); }
  /// Opens NCCL for the members, with the control plane's store. Collective.
  void open_cuda(const std::string& purpose);
  /// Aborts calls in progress on the device, which would wait for a lost rank forever. Safe from any thread.
  void abort_cuda() noexcept;
  /// Closes NCCL while its ranks and its store still exist: in order, or immediately after a failure.
  void close_cuda(bool failed) noexcept;
};

/// Adds one call and `bytes` to the row of the state's Traffic that `verb` points to.
void count_traffic(GroupState& state, VerbTraffic Traffic::*verb, int64_t bytes);
/// Adds to the seconds of a verb.
void count_seconds(GroupState& state, const char* verb, double seconds);

/// Adds its lifetime to the seconds of a verb, unless there is no state.
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

/// Sum, maximum or minimum of CPU tensors of equal shape, folded in order; float16 and bfloat16 in float32.
at::Tensor reduce_in_order(const std::vector<at::Tensor>& parts, c10d::ReduceOp::RedOpType op);

/// A client of the control plane's store whose keys and values belong to the running generation and to
/// `purpose`: others can neither read nor replace them. `refused` is called for values that others have
/// written.
c10::intrusive_ptr<c10d::Store> open_store(const ControlPlane& control, const std::string& purpose,
                                           std::function<void(const std::string&)> refused);

/// One transport per rank, for ranks that are threads of this process.
std::vector<c10::intrusive_ptr<Transport>> make_local_transports(const std::vector<Members>& members);

/// A rank's position on its host.
struct MpiPlace {
  int local_rank = 0;
  int local_world = 1;
};

/// MPI for one process: initialises it, sends every message on one communication thread, finalises it.
/// Threads   construct and destroy on the same thread.
class MpiRuntime {
 public:
  virtual ~MpiRuntime() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Collective, before any group exists, like exchange().
  virtual MpiPlace place() = 0;
  /// Rank 0's text on every rank, before any group exists. Blocks without a deadline, as MPI_Init does.
  virtual std::string exchange(const std::string& text) = 0;
  virtual c10::intrusive_ptr<Transport> world(Members members) = 0;
  /// Ends the communication thread and MPI. With `failed`, it leaves out MPI_Finalize, which would wait for
  /// dead ranks.
  virtual void close(bool failed) = 0;
};
/// Initialises MPI. Throws ConfigError if that fails, or if MPI does not grant MPI_THREAD_SERIALIZED.
std::unique_ptr<MpiRuntime> start_mpi();

/// The functions of the CUDA module (liblodestone_nccl.so). In builds without it, backends/no_nccl.cpp
/// replaces it.
struct CudaModule {
  int (*device_count)();
  /// Makes this rank's GPU current and returns its index; throws if it is absent.
  int (*select_device)(int local_rank);
  c10::intrusive_ptr<c10d::Backend> (*make_nccl)(const Members& members,
                                                 c10::intrusive_ptr<c10d::Store> store, int device_index);
};
/// Loads the module once. Throws ConfigError saying what is missing.
const CudaModule& load_cuda_module();
/// Why load_cuda_module would throw, or "" if it would not.
std::string cuda_module_problem();

}  // namespace lodestone
