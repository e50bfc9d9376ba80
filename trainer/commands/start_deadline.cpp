#include "trainer/commands/start_deadline.h"

#include <iostream>

#include <unistd.h>

#include "trainer/commands/command.h"

namespace lodestone {

StartDeadline::StartDeadline(std::chrono::milliseconds limit)
    : thread_([this, limit] {
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, limit, [this] { return over_; })) return;
        std::cerr << "lodestone: error: launch: not all ranks have come within " << limit.count()
                  << " ms (distributed.timeout): one of them is stopped, or cannot be reached" << std::endl;
        ::_exit(kPeerLost);
      }) {}

StartDeadline::~StartDeadline() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

}  // namespace lodestone
