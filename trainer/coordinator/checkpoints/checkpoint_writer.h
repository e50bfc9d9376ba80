#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone::coordinator {

/// The result of a save.
struct SaveOutcome {
  int64_t step = 0;
  std::optional<SavedCheckpoint> saved;
  std::string problem;  ///< why the save failed; empty if it succeeded
};

/// Saves one checkpoint at a time on a thread of its own while training continues.
/// Threads   one thread uses the object
class CheckpointWriter {
 public:
  /// Abandons a save in progress: call wait() first. The abandoned thread ends
  /// by itself, or with the process.
  ~CheckpointWriter();

  bool busy() const;
  /// Starts `save` on the thread.
  /// Requires  `save` owns everything it uses; !busy(); the previous outcome was taken
  void start(int64_t step, std::function<SavedCheckpoint()> save);
  /// The outcome of a finished save, returned once; nullopt if no save has finished. Any exception of `save`
  /// becomes the outcome's problem.
  std::optional<SaveOutcome> take();
  /// Waits for a save in progress. Returns false if it is not finished after `longest`.
  bool wait(std::chrono::duration<double> longest) const;

 private:
  struct Save;
  std::shared_ptr<Save> save_;
};

}  // namespace lodestone::coordinator
