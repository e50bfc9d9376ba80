#include "trainer/run/start/prompt_stop.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

#include "common/causes.h"
#include "common/exit_code.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/last_line.h"
#include "trainer/run/start/host_reporter.h"

namespace lodestone::run {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPollInterval{50};
constexpr milliseconds kLongestFarewell{600};

}  // namespace

PromptStop::PromptStop(const coordinator::StopSignals& signals)
    : signals_(signals), log_(make_log(-1, 1)), thread_([this] { run(); }) {}

PromptStop::~PromptStop() {
  {
    const std::scoped_lock lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

PromptStop::Attendance::Attendance(PromptStop& stop, const coordinator::RunContext& context) : stop_(stop) {
  const std::scoped_lock lock(stop_.mutex_);
  stop_.log_ = context.log;
  stop_.control_ = context.launch.control();
  stop_.is_main_rank_ = context.is_main_rank();
}

PromptStop::Attendance::~Attendance() {
  const std::scoped_lock lock(stop_.mutex_);
  stop_.active_ = false;
  stop_.control_.reset();
  stop_.before_the_end_ = nullptr;
}

void PromptStop::before_the_end(std::function<void()> act) {
  const std::scoped_lock lock(mutex_);
  before_the_end_ = std::move(act);
}

void PromptStop::leave_to_training() {
  const std::scoped_lock lock(mutex_);
  active_ = false;
}

PromptStop::Scope::Scope(PromptStop& stop, Moment moment, std::function<bool()> save) : stop_(stop) {
  {
    const std::scoped_lock lock(stop_.mutex_);
    stop_.moment_ = std::move(moment);
    stop_.save_ = std::move(save);
    stop_.active_ = stop_.rank_0_decides_ = true;
  }
  stop_.changed_.notify_all();
}

PromptStop::Scope::~Scope() {
  stop_.leave_to_training();
}

void PromptStop::run() {
  std::unique_lock lock(mutex_);
  while (!over_) {
    if (active_)
      changed_.wait_for(lock, kPollInterval);
    else
      changed_.wait(lock);
    if (active_ && !over_) look();
  }
}

void PromptStop::look() {
  const auto verdict = control_ ? control_->failure() : std::nullopt;
  const auto code = control_ ? control_->failure_code() : std::nullopt;
  if (code == kStoppedResumable) {
    if (before_the_end_) before_the_end_();
    if (is_main_rank_) {
      log_stop("stopped by a signal to another rank " + moment_.when, true);
      notify_other_ranks();
    }
    ::_exit(kStoppedResumable);
  }
  if (!signals_.stop_requested()) return;
  if (verdict) ::_exit(code.value_or(kPeerLost));  // the failure of a rank ends the job
  if (rank_0_decides_ && !is_main_rank_) return;
  bool saved = true;
  try {
    if (save_) saved = save_();
    if (before_the_end_) before_the_end_();
  } catch (const std::exception& error) {
    log_->error("{}", explain_on_a_line(error));
    saved = false;
  }
  end(saved);
}

void PromptStop::end(bool saved) {
  const int code = saved ? kStoppedResumable : kRunFailed;
  const std::string what = "stopped by signal " + std::to_string(signals_.signal()) + " " + moment_.when;
  // Rank 0 also logs a stop that only another rank was asked for; before ranks are connected it can't know.
  if (is_main_rank_ && (control_ || reports_for_host(what, kLongestFarewell))) log_stop(what, saved);
  if (control_) {
    control_->report(what, code);
    notify_other_ranks();
  }
  ::_exit(code);
}

void PromptStop::log_stop(const std::string& what, bool saved) const {
  if (moment_.folder == nullptr)
    log_->info("{}", stopped_line(what));
  else if (saved)
    log_->info("{}", stopped_line(what, *moment_.folder, moment_.step));
  else
    log_->error("{}", unsaved_line(what, *moment_.folder));
}

// Ranks read a report at their heartbeats, about twenty per peer_timeout, and from rank 0's store.
void PromptStop::notify_other_ranks() const {
  std::this_thread::sleep_for(std::min(kLongestFarewell, control_->options().peer_timeout / 8));
}

}  // namespace lodestone::run
