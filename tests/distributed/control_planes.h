#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <poll.h>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "distributed/control/control_thread.h"

/// Control planes of one job, all ranks in this process.
namespace lodestone::testing {
using namespace distributed;

using std::chrono::milliseconds;

// A thread that gets no processor for as long would count as lost: long enough beside other busy processes.
constexpr milliseconds kPeerTimeout{1000};

inline ControlOptions options_of(int rank, int world, int port = 0) {
  ControlOptions options;
  options.rank = rank;
  options.world = world;
  options.port = port;
  options.peer_timeout = kPeerTimeout;
  return options;
}

// Polls until it holds; a test that would hang fails instead.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 1);  // the control planes' threads need the processor
  }
  return true;
}

inline std::vector<std::unique_ptr<ControlPlane>> planes(int world) {
  std::vector<std::unique_ptr<ControlPlane>> all;
  all.push_back(std::make_unique<ControlPlane>(options_of(0, world)));
  for (int r = 1; r < world; ++r)
    all.push_back(std::make_unique<ControlPlane>(options_of(r, world, all[0]->port())));
  return all;
}

// Rank 0 waits for the others to leave, so it goes last.
inline void leave(std::vector<std::unique_ptr<ControlPlane>>& all) {
  while (!all.empty()) all.pop_back();
}

// A rank that is played by hand: what it says, and when, is the test's.
class PlayedRank {
 public:
  explicit PlayedRank(const ControlOptions& options)
      : options_(options), seal_(options.token, options.generation), store_(connect_store(options)) {}
  /// Returns what it has put into the store.
  std::string send_heartbeat(int64_t step, bool left = false) {
    Beat beat;
    beat.number = ++number_;
    beat.step = step;
    beat.left = left;
    const std::string sealed = seal_.close(beat_name(options_.rank), beat.text());
    put(beat_name(options_.rank), sealed);
    return sealed;
  }
  void put(const std::string& name, const std::string& sealed) { store_->set(seal_.key(name), sealed); }
  std::string look(const std::string& name) { return store_->get_to_str(seal_.key(name)); }
  void remove(const std::string& name) { store_->deleteKey(seal_.key(name)); }
  std::vector<std::string> keys() { return store_->listKeys(); }

 private:
  ControlOptions options_;
  Seal seal_;
  c10::intrusive_ptr<c10d::Store> store_;
  uint64_t number_ = 0;
};

}  // namespace lodestone::testing
