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

namespace lodestone {

/// A call that MPI carries out piece by piece.
struct MpiTask {
  std::shared_ptr<const Members> members;  ///< of the group
  c10::intrusive_ptr<RankWork> work;
  uint64_t number = 0;  ///< of the collective within its group; 0 for a message
  int peer = 0;         ///< of a message
  std::function<void(std::vector<MPI_Request>&)> start;
  std::function<void()> finish;
  std::vector<at::Tensor> memory;  ///< what MPI reads and writes
  std::vector<MPI_Request> requests;
};

/// Throws Error with MPI's own text unless `code` is MPI_SUCCESS.
void check_mpi(int code, const char* what);

/// The one thread of a process that calls MPI. It starts what is submitted, in that order, and polls all that
/// is under way until it is done, its deadline passes, or the control plane says that a rank is lost: no wait
/// is unbounded. One thread for all groups, so that MPI need only grant MPI_THREAD_SERIALIZED, which costs it
/// no locks.
/// Threads    submit and run_there from any thread; stop from one.
class MpiEngine : public std::enable_shared_from_this<MpiEngine> {
 public:
  void start();
  /// Ends the thread when nothing is under way any more. With `failed` gives up after a moment and leaves it
  /// behind.
  void stop(bool failed);
  void submit(MpiTask task);
  /// Runs `action` on the thread and waits for it; for calls that MPI has in blocking form only. With a context it throws
  /// CommError when the control plane says that a rank is lost; then `action` is left behind in MPI and has to own what it uses.
  void run_there(std::function<void()> action, GroupContext* context = nullptr);
  bool running() const;

 private:
  void run();
  bool take_new();
  void begin(MpiTask task);
  bool poll();
  void give_up_if_hopeless();
  void abandon(const MpiTask& culprit, const std::string& why);
  static void rest(int idle_rounds);

  std::thread thread_;
  std::vector<MpiTask> active_;  // the thread's own

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<MpiTask> submitted_;
  std::deque<std::function<void()>> actions_;
  bool started_ = false;
  bool stopping_ = false;
  bool ended_ = false;
};

}  // namespace lodestone
