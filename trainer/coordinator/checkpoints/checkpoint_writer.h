#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone {

/// What became of a save.
struct SaveOutcome {
  int64_t step = 0;
  std::optional<SavedCheckpoint> saved;
  std::string problem;  ///< why it wasn't
};

/// Saves on a thread of its own, one checkpoint at a time, while training goes on.
/// Threads   one thread uses the object.
class CheckpointWriter {
 public:
  /// Abandons a save that is under way: call wait() first. The abandoned thread ends by itself, or with the process.
  ~CheckpointWriter();

  bool busy() const;
  /// Starts `save`, which must own all that it uses. Requires !busy() and that the outcome before was taken.
  void start(int64_t step, std::function<SavedCheckpoint()> save);
  /// The outcome of a save that has ended, once. `save` may have thrown any exception.
  std::optional<SaveOutcome> take();
  /// Waits for the save under way, if any; false if it is still not done after so long.
  bool wait(std::chrono::duration<double> longest) const;

 private:
  struct Save;
  std::shared_ptr<Save> save_;
};

}  // namespace lodestone
