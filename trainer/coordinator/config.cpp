#include "trainer/coordinator/config.h"

namespace lodestone {

void CheckpointConfig::visit(Fields& f) {
  f.field({"every_steps", "steps between checkpoints; 0: none for that. One is saved at the end, on a stop signal, on SIGUSR2 too",
           "steps", 0.0},
          &every_steps);
  f.field({"every_minutes", "time between checkpoints, beside every_steps; 0: none for that", "minutes", 0.0}, &every_minutes);
  f.field({"when_busy",
           "a checkpoint is due while one is being written: the step waits for that, or the new one is skipped",
           "",
           {},
           {},
           {"wait", "skip"}},
          &when_busy);
  f.field({"deadline", "longest wait for a checkpoint that is being written; behind it the save counts as failed", "seconds",
           1.0},
          &deadline);
  retention.visit(f);
}

void MetricsConfig::visit(Fields& f) {
  f.field({"port", "port of /metrics for Prometheus, on rank 0; null or 0 serves nothing", "", 0.0, 65535.0},
          &port);
  f.field({"address", "IP address to serve /metrics at; anyone who reaches it can read"}, &address);
}

}  // namespace lodestone
