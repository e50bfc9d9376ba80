#include "trainer/coordinator/checkpoints/save_config.h"

namespace lodestone::coordinator {

void SaveConfig::visit(Fields& f) {
  f.field(
      {.name = "every_steps",
       .doc =
           "number of steps between checkpoints; 0: not by steps. A checkpoint is also saved at the end, on "
           "a stop signal and on SIGUSR2",
       .unit = "steps",
       .min = 0.0},
      &every_steps);
  f.field({.name = "every_minutes",
           .doc = "time between checkpoints, in addition to every_steps; 0: not by time",
           .unit = "minutes",
           .min = 0.0},
          &every_minutes);
  f.choice(
      {.name = "when_busy",
       .doc =
           "what happens if a checkpoint is due while another is being written. wait: the step waits; skip: "
           "the new checkpoint is skipped"},
      &when_busy, {{"wait", WhenBusy::kWait}, {"skip", WhenBusy::kSkip}});
  f.field(
      {.name = "deadline",
       .doc = "longest wait for a checkpoint that is being written, after which the save counts as failed",
       .unit = "seconds",
       .min = 1.0},
      &deadline);
  retention.visit(f);
}

}  // namespace lodestone::coordinator
