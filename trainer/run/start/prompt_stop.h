#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/faults/signals.h"
#include "trainer/coordinator/run_context.h"

namespace lodestone::run {

/// Obeys a stop signal within a fraction of a second where the training loop does not poll for it: during the
/// start of a run, and during evaluations. A thread of its own saves the state and ends the process with
/// kStoppedResumable; the other ranks are notified and end with the same code. From construction until
/// leave_to_training() there is nothing to save.
/// Threads   all functions are called from one thread
class PromptStop {
 public:
  /// Requires  `signals` outlives this object
  explicit PromptStop(const coordinator::StopSignals& signals);
  ~PromptStop();
  PromptStop(const PromptStop&) = delete;
  PromptStop& operator=(const PromptStop&) = delete;

  /// During its lifetime the ranks are connected: messages go to the rank's log, and stops are exchanged with
  /// other ranks. Afterwards the thread no longer reacts to stop signals.
  class Attendance {
   public:
    Attendance(PromptStop& stop, const coordinator::RunContext& context);
    ~Attendance();
    Attendance(const Attendance&) = delete;
    Attendance& operator=(const Attendance&) = delete;

   private:
    PromptStop& stop_;
  };

  /// Sets a function that the thread calls before the process ends.
  void before_the_end(std::function<void()> act);
  /// From now on the training loop handles stops. Does not return if a stop is being obeyed.
  void leave_to_training();

  /// What the last line says about a stop.
  struct Moment {
    std::string when = "before the first step";
    const coordinator::RunFolder* folder = nullptr;  ///< null: no step has been done
    int64_t step = 0;
  };
  /// During its lifetime, a stop signal that rank 0 receives ends the run after the thread has called `save`
  /// there, which returns whether everything that could be lost is durable. Other ranks wait for rank 0's
  /// decision. `save` may use state that the caller does not use during this lifetime.
  class Scope {
   public:
    Scope(PromptStop& stop, Moment moment, std::function<bool()> save);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    PromptStop& stop_;
  };

 private:
  void run();
  void look();
  [[noreturn]] void end(bool saved);
  void log_stop(const std::string& what, bool saved) const;
  void notify_other_ranks() const;

  const coordinator::StopSignals& signals_;
  std::mutex mutex_;  ///< held while a stop is obeyed
  std::condition_variable changed_;
  bool active_ = true, over_ = false, rank_0_decides_ = false;
  Moment moment_;
  std::function<bool()> save_;
  std::function<void()> before_the_end_;
  Log log_;
  std::shared_ptr<distributed::ControlPlane> control_;
  bool is_main_rank_ = true;
  std::thread thread_;
};

}  // namespace lodestone::run
