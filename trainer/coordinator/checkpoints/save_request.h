#pragma once

#include <signal.h>

namespace lodestone::coordinator {

/// Receives requests to save a checkpoint now, from request_save() or, during its lifetime, from SIGUSR2. The
/// training loop polls it after each step.
/// Requires  no other SaveRequest exists, since signals belong to the process
/// Throws    Error if one does
/// Threads   safe concurrently
class SaveRequest {
 public:
  SaveRequest();
  ~SaveRequest();
  SaveRequest(const SaveRequest&) = delete;
  SaveRequest& operator=(const SaveRequest&) = delete;

  /// Whether there was a request since the last call.
  bool take();

 private:
  struct sigaction former_ {};
};

/// Requests a checkpoint after the current step. Several requests before the next take() count as one.
void request_save();

}  // namespace lodestone::coordinator
