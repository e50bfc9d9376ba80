#pragma once

#include <signal.h>

namespace lodestone {

/// Someone wants a checkpoint now: request_save(), or SIGUSR2 while a SaveRequest lives. The training loop takes the wish at its next
/// step. Requires that no other object of this kind lives: signals belong to the process. Throws Error if one does.
/// Threads   all of it is safe concurrently.
class SaveRequest {
 public:
  SaveRequest();
  ~SaveRequest();
  SaveRequest(const SaveRequest&) = delete;
  SaveRequest& operator=(const SaveRequest&) = delete;

  /// Was there a wish since the last call?
  bool take();

 private:
  struct sigaction former_ {};
};

/// Asks for a checkpoint after the step under way. Wishes that come before it is taken count as one.
void request_save();

}  // namespace lodestone
