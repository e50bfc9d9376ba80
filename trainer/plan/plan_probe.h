#pragma once

#include "trainer/plan/plan_model.h"
#include "trainer/run/run_config.h"

namespace lodestone {

/// What is planned for, and how it is measured.
struct ProbeOptions {
  std::string config;
  std::vector<std::string> assignments;
  int64_t classes = 0;  ///< of losses with proxies
  int64_t tokens = 0;   ///< of a text; 0: the most there can be
  /// Rows of the smaller trial batch; the other has twice as many. Unset: 8, or 32 of pictures of up to 64 × 64, since convolutions of
  /// small pictures are computed another way from there on.
  std::optional<int64_t> probe_rows = {};
  int threads = 1;  ///< of a rank
};

/// Trains a few steps on made-up batches of the configured shape and takes from them what a step costs: memory by LibTorch's
/// allocator, arithmetic by its calls, messages by two ranks as threads. Reads no training data.
/// Sets the encode, backward, update and pair seconds of `here`: this processor's, with `threads` threads.
/// Throws ConfigError for what is not planned: explicit tuples, momentum keys, classes not given for proxies.
StepCost probe_step(const ProbeOptions& options, Machine& here);

}  // namespace lodestone
