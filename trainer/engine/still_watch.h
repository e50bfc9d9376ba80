#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "trainer/engine/step_metrics.h"

namespace lodestone {

/// Recognises training that stands still: no anchor has what the loss compares it with, the loss is exactly 0, or the gradient
/// is. One such step is chance; `kWindow` in a row for one reason are a setting that is wrong.
/// All that is looked at is of the global batch, so one rank sees what all would.
/// Threads: caller serializes.
class StillWatch {
 public:
  static constexpr int64_t kWindow = 20;

  /// To be called once a step. One sentence when a reason has lasted long enough: what is seen, and what to do. Each reason is told
  /// once a run.
  std::optional<std::string> look(const StepMetrics& metrics);

 private:
  enum class Reason { kNone, kNoPositive, kNoNegative, kNothingPicked, kNoLoss, kNoGradient };
  static Reason reason_of(const StepMetrics& metrics);

  Reason reason_ = Reason::kNone;
  int64_t steps_ = 0;  ///< in a row, for that reason
  std::set<Reason> told_;
};

}  // namespace lodestone
