#pragma once

#include "common/yaml.h"
#include "trainer/plan/plan_model.h"
#include "trainer/run/run_config.h"

namespace lodestone::plan {

/// The configuration to plan for, and how to measure it.
struct ProbeOptions {
  run::Tables tables;
  ConfigNodePtr root;  ///< the file's content, read once since the file may be a pipe
  std::string config;  ///< its name
  std::vector<std::string> assignments;
  bool allow_code = false;  ///< see read_named_config
  int64_t classes = 0;      ///< number of classes, for losses with proxies
  int64_t tokens = 0;       ///< tokens per text; 0: the largest number allowed
  /// Rows of the smaller trial batch; the other has twice as many. Unset: 8, or 32 for images of up to 64 ×
  /// 64, since convolutions of small images use another algorithm from that size on.
  std::optional<int64_t> probe_rows = {};
  int threads = 1;  ///< threads per rank
};

/// Trains a few steps on synthetic batches of the configured shape and measures the cost of a step:
/// memory by LibTorch's allocator, operations by its calls, messages by two ranks as threads. Reads no
/// training data. Sets the encode, backward, update and pair seconds of `here` to those of this
/// processor with `threads` threads.
/// Throws    ConfigError for what cannot be planned: explicit tuples, momentum keys, proxies without
///           `classes`
StepCost probe_step(const ProbeOptions& options, Machine& here);

}  // namespace lodestone::plan
