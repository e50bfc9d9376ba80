#pragma once

#include <cstdint>

#include "common/fields.h"
#include "trainer/coordinator/checkpoints/retention.h"

namespace lodestone::coordinator {

/// What happens to a checkpoint that is due while one is being written.
enum class WhenBusy { kWait, kSkip };

/// When checkpoints are saved, and which of them are kept.
struct SaveConfig {
  int64_t every_steps = 500;
  double every_minutes = 0;
  WhenBusy when_busy = WhenBusy::kWait;
  double deadline = 300;
  Retention retention;

  void visit(Fields& f);
};

}  // namespace lodestone::coordinator
