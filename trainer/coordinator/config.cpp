#include "trainer/coordinator/config.h"

namespace lodestone {

void CheckpointConfig::visit(Fields& f) {
  f.field({"every_steps", "steps between checkpoints; 0 saves at the end and on a signal only", "steps", 0.0},
          &every_steps);
  f.field({"keep_last", "newest checkpoints that stay; 0 keeps all", "checkpoints", 0.0}, &keep_last);
}

void MetricsConfig::visit(Fields& f) {
  f.field({"port", "port of /metrics for Prometheus, on rank 0; null or 0 serves nothing", "", 0.0, 65535.0},
          &port);
  f.field({"address", "IP address to serve /metrics at; anyone who reaches it can read"}, &address);
}

}  // namespace lodestone
