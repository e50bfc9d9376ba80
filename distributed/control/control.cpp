#include "distributed/control/control.h"

#include <algorithm>

#include "common/error.h"
#include "distributed/control/control_thread.h"

namespace lodestone::distributed {

ControlPlane::ControlPlane(const ControlOptions& options) : impl_(std::make_shared<Impl>(options)) {
  impl_->thread = std::thread([impl = impl_] { impl->run(); });
}

ControlPlane::~ControlPlane() {
  leave();
}

void ControlPlane::leave() {
  if (left_.exchange(true)) return;
  const auto patience = impl_->options.peer_timeout + std::chrono::seconds(1);
  std::unique_lock lock(impl_->mutex);
  impl_->leaving = true;
  impl_->changed.notify_all();
  // If rank 0's process is stopped, this rank's thread may stay in a socket call forever. Then the thread is
  // left behind: it owns everything it uses.
  const bool ended = impl_->options.rank == 0
                         ? (impl_->changed.wait(lock, [&] { return impl_->ended; }), true)
                         : impl_->changed.wait_for(lock, patience, [&] { return impl_->ended; });
  lock.unlock();
  if (ended) {
    impl_->thread.join();
  } else {
    impl_->thread.detach();
  }
}

const ControlOptions& ControlPlane::options() const {
  return impl_->options;
}

void ControlPlane::set_step(int64_t step) {
  impl_->step.store(step, std::memory_order_relaxed);
}

void ControlPlane::entered(const std::string& group, uint64_t call, const char* operation) {
  std::scoped_lock lock(impl_->mutex);
  impl_->entered[group] = {call, operation};
}

std::optional<std::string> ControlPlane::failure() {
  Impl& impl = *impl_;
  if (!impl.declared_lost.load(std::memory_order_acquire)) {
    const auto silence = impl.store_silence();
    if (silence <= impl.options.peer_timeout) return std::nullopt;
    impl.declare_lost(
        {"rank 0 is lost: it has not answered for " + std::to_string(silence.count()) + " ms", 0});
  }
  std::scoped_lock lock(impl.mutex);
  return impl.verdict.what;
}

std::optional<int> ControlPlane::failure_code() {
  if (!failure()) return std::nullopt;
  std::scoped_lock lock(impl_->mutex);
  return impl_->verdict.code == 0 ? std::nullopt : std::optional(impl_->verdict.code);
}

void ControlPlane::report(const std::string& what, int code) {
  std::scoped_lock lock(impl_->mutex);
  if (!impl_->report) impl_->report = {what, code};
  impl_->changed.notify_all();
}

std::string ControlPlane::late(const std::string& group, uint64_t call, const std::vector<int>& ranks) {
  const std::vector<Beat> beats = impl_->ask_for_beats();
  std::string late;
  for (const int rank : ranks) {
    if (rank == impl_->options.rank || static_cast<size_t>(rank) >= beats.size()) continue;
    const Beat& beat = beats[static_cast<size_t>(rank)];
    const auto entry = beat.entered.find(group);
    const uint64_t reached = entry == beat.entered.end() ? 0 : entry->second.call;
    if (reached >= call) continue;
    late += (late.empty() ? "rank " : "; rank ") + std::to_string(rank);
    late +=
        beat.left ? " has left the job" : " has not entered it (it is at step " + std::to_string(beat.step);
    if (!beat.left)
      late += reached == 0 ? ")"
                           : ", last call " + std::to_string(reached) + ", " + entry->second.operation + ")";
  }
  if (late.empty() && !beats.empty()) return "all ranks have entered it, but the messages do not arrive";
  return late;
}

}  // namespace lodestone::distributed
