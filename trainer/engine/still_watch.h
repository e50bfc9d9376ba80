#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "trainer/engine/step_metrics.h"

namespace lodestone::engine {

/// Detects training without effect: no anchor has anything to be compared with, the loss is exactly 0, or the
/// gradient is. One such step may be chance; `kWindow` in a row for the same reason mean a wrong setting. All
/// inputs are metrics of the global batch, so every rank comes to the same result.
/// Threads   one caller
class StillWatch {
 public:
  static constexpr int64_t kWindow = 20;

  /// Call it once a step. Returns a sentence when a reason has lasted `kWindow` steps: what was observed, and
  /// what to do. Each reason is reported once per run.
  std::optional<std::string> observe(const StepMetrics& metrics);

 private:
  enum class Reason { kNone, kNoPositive, kNoNegative, kNothingPicked, kNoLoss, kNoGradient };
  static Reason reason_of(const StepMetrics& metrics);

  Reason reason_ = Reason::kNone;
  int64_t steps_ = 0;  ///< consecutive steps with that reason
  std::set<Reason> reported_;
};

}  // namespace lodestone::engine
