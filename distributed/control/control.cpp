#include "distributed/control/control.h"

#include <algorithm>

#include "common/error.h"
#include "distributed/control/control_thread.h"

namespace lodestone {

ControlPlane::ControlPlane(const ControlOptions& options) : shared_(std::make_shared<Shared>(options)) {
  shared_->thread = std::thread([shared = shared_] { shared->run(); });
}

ControlPlane::~ControlPlane() {
  leave();
}

void ControlPlane::leave() {
  if (left_.exchange(true)) return;
  const auto patience = shared_->options.peer_timeout + std::chrono::seconds(1);
  std::unique_lock lock(shared_->mutex);
  shared_->leaving = true;
  shared_->changed.notify_all();
  // If rank 0's process is stopped, this rank's thread may stay in a socket call forever. Then the thread is
  // left behind: it owns everything it uses.
  const bool ended = shared_->options.rank == 0
                         ? (shared_->changed.wait(lock, [&] { return shared_->ended; }), true)
                         : shared_->changed.wait_for(lock, patience, [&] { return shared_->ended; });
  lock.unlock();
  if (ended) {
    shared_->thread.join();
  } else {
    shared_->thread.detach();
  }
}

const ControlOptions& ControlPlane::options() const {
  return shared_->options;
}

void ControlPlane::set_step(int64_t step) {
  shared_->step.store(step, std::memory_order_relaxed);
}

void ControlPlane::entered(const std::string& group, uint64_t call, const char* verb) {
  std::lock_guard lock(shared_->mutex);
  shared_->entered[group] = {call, verb};
}

std::optional<std::string> ControlPlane::failure() {
  Shared& shared = *shared_;
  if (!shared.condemned.load(std::memory_order_acquire)) {
    const auto silence = shared.store_silence();
    if (silence <= shared.options.peer_timeout) return std::nullopt;
    shared.condemn({"rank 0 is lost: it has not answered for " + std::to_string(silence.count()) + " ms", 0});
  }
  std::lock_guard lock(shared.mutex);
  return shared.verdict.what;
}

std::optional<int> ControlPlane::failure_code() {
  if (!failure()) return std::nullopt;
  std::lock_guard lock(shared_->mutex);
  return shared_->verdict.code == 0 ? std::nullopt : std::optional(shared_->verdict.code);
}

void ControlPlane::report(const std::string& what, int code) {
  std::lock_guard lock(shared_->mutex);
  if (!shared_->report) shared_->report = {what, code};
  shared_->changed.notify_all();
}

std::string ControlPlane::late(const std::string& group, uint64_t call, const std::vector<int>& ranks) {
  const std::vector<Beat> beats = shared_->ask_for_beats();
  std::string late;
  for (const int rank : ranks) {
    if (rank == shared_->options.rank || static_cast<size_t>(rank) >= beats.size()) continue;
    const Beat& beat = beats[static_cast<size_t>(rank)];
    const auto entry = beat.entered.find(group);
    const uint64_t reached = entry == beat.entered.end() ? 0 : entry->second.call;
    if (reached >= call) continue;
    late += (late.empty() ? "rank " : "; rank ") + std::to_string(rank);
    late +=
        beat.left ? " has left the job" : " has not entered it (it is at step " + std::to_string(beat.step);
    if (!beat.left)
      late += reached == 0 ? ")" : ", last call " + std::to_string(reached) + ", " + entry->second.verb + ")";
  }
  if (late.empty() && !beats.empty()) return "all ranks have entered it, but the messages do not arrive";
  return late;
}

}  // namespace lodestone
