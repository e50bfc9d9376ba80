#include "trainer/run/start/start_watch.h"

#include <algorithm>
#include <iostream>

#include <unistd.h>

#include "common/exit_code.h"

namespace lodestone::run {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

constexpr milliseconds kBetweenLooks{500};

[[noreturn]] void end(const std::string& why) {
  std::cerr << "lodestone: error: launch: " + why + "; start the job again\n" << std::flush;
  ::_exit(kPeerLost);
}

}  // namespace

StartWatch::StartWatch(milliseconds limit, milliseconds patience, const distributed::Environment& environment)
    : limit_(limit), patience_(patience), ranks_(environment), thread_([this] { run(); }) {}

void StartWatch::run() {
  const auto deadline = Clock::now() + limit_;
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto next = std::min(deadline, Clock::now() + kBetweenLooks);
    if (changed_.wait_until(lock, next, [this] { return over_; })) return;
    if (Clock::now() >= deadline)
      end("not all ranks have arrived within " + std::to_string(limit_.count()) +
          " ms (distributed.timeout): one of them is stopped, or cannot be reached");
    if (const std::string trouble = ranks_.trouble(patience_); !trouble.empty())
      end("before all ranks were connected, " + trouble);
  }
}

StartWatch::~StartWatch() {
  {
    const std::scoped_lock lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

}  // namespace lodestone::run
