#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/fields.h"
#include "trainer/coordinator/retention.h"

namespace lodestone {

/// When checkpoints are saved and which stay.
struct CheckpointConfig {
  int64_t every_steps = 500;
  double every_minutes = 0;
  std::string when_busy = "wait";
  double deadline = 300;
  Retention retention;

  void visit(Fields& f);
};

/// Where the metrics are served. No port, or port 0: nowhere.
struct MetricsConfig {
  std::optional<int64_t> port;
  std::string address = "127.0.0.1";

  void visit(Fields& f);
};

}  // namespace lodestone
