#include <algorithm>

#include "distributed/control/control_thread.h"

namespace lodestone::distributed {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr double kUsualSteps = 4;  // a rank lags if it is more than this many usual steps behind
constexpr double kNewShare = 0.1;  // weight of the latest step in the running mean

double seconds_since(SteadyClock::time_point then) {
  return std::chrono::duration<double>(SteadyClock::now() - then).count();
}

Peer peer_of(size_t rank, const Watched& watched) {
  const auto now = SteadyClock::now();
  Peer peer;
  peer.rank = static_cast<int>(rank);
  peer.step = watched.step;
  peer.behind = watched.behind;
  peer.silent = std::chrono::duration_cast<milliseconds>(now - watched.heard);
  peer.left = watched.left;
  if (watched.behind_since) peer.lag = std::chrono::duration_cast<milliseconds>(now - *watched.behind_since);
  if (watched.call > 0)
    peer.place = watched.operation + " call " + std::to_string(watched.call) + " of group world";
  return peer;
}

}  // namespace

int64_t ControlPlane::Impl::furthest_step() const {
  int64_t furthest = 0;
  for (const Watched& rank : watched) furthest = std::max(furthest, rank.step);
  return furthest;
}

// `reported_before` is the furthest step known before this round of reading, so before this heartbeat was
// written.
void ControlPlane::Impl::note(Watched& rank, const Beat& beat, int64_t reported_before) {
  rank.number = beat.number;
  rank.heard = SteadyClock::now();
  rank.step = beat.step;
  rank.behind = std::max<int64_t>(reported_before - beat.step, 0);
  rank.left = beat.left;
  const auto world = beat.entered.find("world");
  if (world == beat.entered.end() || world->second.call == rank.call) return;
  rank.call = world->second.call;
  rank.operation = world->second.operation;
  rank.behind_since.reset();
}

void ControlPlane::Impl::note_lags() {
  uint64_t furthest = 0;
  for (const Watched& rank : watched) furthest = std::max(furthest, rank.call);
  for (Watched& rank : watched) {
    if (rank.call >= furthest || rank.left) {
      rank.behind_since.reset();
    } else if (!rank.behind_since) {
      rank.behind_since = SteadyClock::now();
    }
  }
}

void ControlPlane::Impl::note_step() {
  const int64_t furthest = furthest_step();
  if (furthest <= step_seen_) return;
  const double seconds = seconds_since(step_at_) / static_cast<double>(furthest - step_seen_);
  // The time before the first step was spent loading.
  if (step_seen_ > 0)
    step_seconds = step_seconds == 0 ? seconds : (1 - kNewShare) * step_seconds + kNewShare * seconds;
  step_seen_ = furthest;
  step_at_ = SteadyClock::now();
}

std::vector<Peer> ControlPlane::peers() const {
  std::scoped_lock lock(impl_->mutex);
  std::vector<Peer> peers;
  for (size_t r = 0; r < impl_->watched.size(); ++r) peers.push_back(peer_of(r, impl_->watched[r]));
  return peers;
}

std::string ControlPlane::laggards() const {
  double usual = 0;
  {
    std::scoped_lock lock(impl_->mutex);
    usual = impl_->step_seconds;
  }
  const double limit =
      std::max(std::chrono::duration<double>(impl_->options.peer_timeout).count(), kUsualSteps * usual);
  std::string text;
  for (const Peer& peer : peers()) {
    const double lag = std::chrono::duration<double>(peer.lag).count();
    // A silent rank does not lag: it is about to be declared lost.
    if (lag <= limit || peer.silent > impl_->options.peer_timeout / 2) continue;
    text += (text.empty() ? "rank " : "; rank ") + std::to_string(peer.rank) +
            " lags: the others have waited for it for " + std::to_string(peer.lag.count()) + " ms (at step " +
            std::to_string(peer.step) + (peer.place.empty() ? "" : ", last seen in " + peer.place) + ")";
  }
  return text;
}

void ControlPlane::request_flight_records() {
  if (impl_->options.rank == 0) ++impl_->flight_requests;
}

int64_t ControlPlane::flight_requests() const {
  return impl_->flight_requests.load();
}

}  // namespace lodestone::distributed
