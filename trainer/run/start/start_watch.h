#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "trainer/run/start/local_ranks.h"

namespace lodestone {

/// Bounds what cannot be interrupted: MPI_Init and the first exchange wait for every rank, however long. Unless it is destroyed
/// within `limit`, or when a rank of this host is stopped for `patience` or gone, the process says so on stderr and ends with
/// kPeerLost; the launcher then ends the others. From then on the control plane watches.
class StartWatch {
 public:
  StartWatch(std::chrono::milliseconds limit, std::chrono::milliseconds patience,
             const Environment& environment);
  ~StartWatch();
  StartWatch(const StartWatch&) = delete;
  StartWatch& operator=(const StartWatch&) = delete;

 private:
  void run();

  const std::chrono::milliseconds limit_, patience_;
  LocalRanks ranks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace lodestone
