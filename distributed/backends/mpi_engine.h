#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <mpi.h>

#include "distributed/transport/transport.h"

namespace lodestone::distributed {

/// A Call as a sequence of MPI calls.
struct MpiTask {
  std::shared_ptr<const Members> members;  ///< of the group
  c10::intrusive_ptr<RankWork> work;
  uint64_t number = 0;  ///< of the collective within its group; 0 for a message
  int peer = 0;         ///< of a message
  std::function<void(std::vector<MPI_Request>&)> start;
  std::function<void()> finish;
  std::vector<at::Tensor> memory;  ///< the memory that MPI reads and writes
  std::vector<MPI_Request> requests;
};

/// Throws Error with MPI's own text unless `code` is MPI_SUCCESS.
void check_mpi(int code, const char* what);

/// The only thread of a process that calls MPI. It starts submitted tasks in their order and polls all
/// running tasks until each is done, its deadline passes, or the control plane reports a lost rank: no wait
/// is unbounded. One thread serves all groups, so that MPI needs only MPI_THREAD_SERIALIZED, which costs no
/// locks.
/// Threads   submit and run_there from any thread; stop from one.
class MpiEngine : public std::enable_shared_from_this<MpiEngine> {
 public:
  void start();
  /// Ends the thread when no task is running any more. With `failed`, waits only for a moment and leaves the
  /// thread behind.
  void stop(bool failed);
  void submit(MpiTask task);
  /// Runs `action` on the thread and waits for it; for calls that MPI has only in blocking form. With a
  /// context, it throws CommError when the control plane reports a lost rank. Then MPI may still be running
  /// `action`, which must own what it uses.
  void run_there(std::function<void()> action, GroupContext* context = nullptr);
  bool running() const;

 private:
  void run();
  bool take_new();
  void begin(MpiTask task);
  bool poll();
  void abort_if_hopeless();
  void abandon(const MpiTask& culprit, const std::string& why);
  static void rest(int idle_rounds);

  std::thread thread_;
  std::vector<MpiTask> active_;  // used by the thread only

  mutable std::mutex mutex_;  // guards the members below
  std::condition_variable changed_;
  std::deque<MpiTask> submitted_;
  std::deque<std::function<void()>> actions_;
  bool started_ = false;
  bool stopping_ = false;
  bool ended_ = false;
};

}  // namespace lodestone::distributed
