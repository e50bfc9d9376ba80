#pragma once

#include <string>
#include <vector>

#include "trainer/run/run_config.h"

namespace lodestone::run {

/// A way of taking the rows of a step through the encoder (engine/encoder_pass.h), as settings of training.
struct NamedPass {
  const char* name;                ///< "direct", "micro-batched" or "canonical"
  engine::TrainerConfig training;  ///< as configured, except for the settings that select the pass
  std::string refusal;             ///< why the configuration excludes the pass; empty if it does not
};

/// All passes. Sizes that are not configured are chosen so that each rank has two micro-batches, and so that
/// there are as many micro-shards as by default, if each then has two rows.
std::vector<NamedPass> encoder_passes(const RunConfig& config, c10::Device device, int world);

}  // namespace lodestone::run
