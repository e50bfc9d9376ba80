#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "trainer/run/start/local_ranks.h"

namespace lodestone::run {

/// Limits operations that cannot be interrupted: MPI_Init and the first exchange wait for every rank without
/// limit. If it is not destroyed within `limit`, or if a rank of this host is stopped for `patience` or gone,
/// the process reports that on stderr and ends with kPeerLost, and the launcher ends the others. After its
/// destruction the control plane watches the ranks.
class StartWatch {
 public:
  StartWatch(std::chrono::milliseconds limit, std::chrono::milliseconds patience,
             const distributed::Environment& environment);
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

}  // namespace lodestone::run
