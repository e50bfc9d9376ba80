#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "trainer/coordinator/faults/signals.h"
#include "trainer/coordinator/run_context.h"

namespace lodestone {

/// Obeys a stop signal within a fraction of a second where the training loop doesn't come to look: while a run starts, wherever it
/// is, and while a model is judged. A thread of its own saves what there is to save and ends the process with
/// kStoppedResumable; the other ranks are told and end with the same code.
/// From construction on a stop does so, with nothing to save, until leave_to_training().
/// Threads    all of it on one
class PromptStop {
 public:
  /// `signals` outlives it.
  explicit PromptStop(const StopSignals& signals);
  ~PromptStop();
  PromptStop(const PromptStop&) = delete;
  PromptStop& operator=(const PromptStop&) = delete;

  /// While it lives the ranks are there: the log is the rank's, and others are told and heard. Afterwards stops are left alone.
  class Attendance {
   public:
    Attendance(PromptStop& stop, const RunContext& context);
    ~Attendance();
    Attendance(const Attendance&) = delete;
    Attendance& operator=(const Attendance&) = delete;

   private:
    PromptStop& stop_;
  };

  /// What is done, from the thread, before the process ends.
  void before_the_end(std::function<void()> act);
  /// From now on the training loop sees to stops. Waits for ever if one is being obeyed.
  void leave_to_training();

  /// While it lives, a stop that rank 0 hears of ends the run once `save` was called there, from the thread: true if what there
  /// is to lose is durable. Other ranks wait for rank 0's word. `save` may touch what the caller does not until the end.
  class Stretch {
   public:
    Stretch(PromptStop& stop, std::string when, std::function<bool()> save);
    ~Stretch();
    Stretch(const Stretch&) = delete;
    Stretch& operator=(const Stretch&) = delete;

   private:
    PromptStop& stop_;
  };

 private:
  void run();
  void look();
  [[noreturn]] void end(bool saved);
  void let_others_hear() const;

  const StopSignals& signals_;
  std::mutex mutex_;  ///< held while a stop is obeyed
  std::condition_variable changed_;
  bool active_ = true, over_ = false, rank_0_decides_ = false;
  std::string when_ = "before the first step";
  std::function<bool()> save_;
  std::function<void()> before_the_end_;
  Log log_;
  std::shared_ptr<ControlPlane> control_;
  bool leads_ = true;
  std::thread thread_;
};

}  // namespace lodestone
