#pragma once

#include <cstdint>
#include <string>

#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone::coordinator {

/// Receives the outcome of each save on rank 0, to count and show it.
/// Threads   caller serializes
class SaveObserver {
 public:
  virtual ~SaveObserver() = default;

  /// `stall_seconds` is how long the step waited for the save.
  virtual void checkpoint_saved(int64_t step, const SavedCheckpoint& saved, double stall_seconds) = 0;
  /// A step waited for a save, whether or not the save succeeds.
  virtual void checkpoint_stalled(double seconds) = 0;
  virtual void checkpoint_failed(int64_t step, const std::string& reason) = 0;
  /// A save that was due did not start, since the checkpoint of step `busy_with` is still being written.
  virtual void checkpoint_skipped(int64_t step, int64_t busy_with) = 0;
  /// A damaged checkpoint was passed over when the run was resumed.
  virtual void checkpoint_damaged(int64_t step, const std::string& message) = 0;
};

}  // namespace lodestone::coordinator
