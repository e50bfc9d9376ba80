#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace lodestone {

/// Bounds what cannot be interrupted: MPI_Init and the first exchange wait for every rank, however long. Unless it is destroyed
/// within `limit`, the process says so on stderr and ends with kPeerLost; the launcher then ends the others.
class StartDeadline {
 public:
  explicit StartDeadline(std::chrono::milliseconds limit);
  ~StartDeadline();
  StartDeadline(const StartDeadline&) = delete;
  StartDeadline& operator=(const StartDeadline&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace lodestone
