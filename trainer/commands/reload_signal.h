#pragma once

#include <functional>
#include <thread>

#include <signal.h>

namespace lodestone::commands {

/// Calls `reload` on a thread of its own for each SIGHUP, at most once at a time; signals that arrive during
/// a call lead to one more call. A SIGHUP because the terminal was closed requests a stop instead, unless
/// SIGHUP was ignored before, as under nohup. The destructor waits for a call in progress and restores the
/// previous handler.
/// Requires  no other ReloadSignal exists
class ReloadSignal {
 public:
  explicit ReloadSignal(std::function<void()> reload);
  ~ReloadSignal();
  ReloadSignal(const ReloadSignal&) = delete;
  ReloadSignal& operator=(const ReloadSignal&) = delete;

  bool stop_requested() const;

 private:
  void wait();

  const std::function<void()> reload_;
  struct sigaction former_ {};
  bool ends_with_terminal_ = false;
  std::thread thread_;
};

}  // namespace lodestone::commands
