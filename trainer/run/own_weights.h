#pragma once

#include <string>
#include <vector>

#include "common/safetensors.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

// A configuration as a model: its encoder with the weights that it names, used without training.

/// Checks that the encoder of the configuration `file` has weights for all of it. Opens no file.
/// Throws    ConfigError if it starts at random
void check_has_weights(const RunConfig& config, const std::string& file);

/// Loads those weights into the built encoder. Returns a sentence for the log about each file.
/// Throws    ConfigError if a file lacks weights of the encoder, also where `init_partial` allows that for
///           training; what Encoder::load_initial_weights throws
std::vector<std::string> load_own_weights(const RunConfig& config);

/// The weights and running statistics of a built encoder by name.
TensorMap weights_of(const encoders::Parameters& parameters);

/// A warning if the run folder that the configuration `file` names holds trained weights, which are not those
/// that the configuration stands for as a model; "" if it does not.
std::string trained_elsewhere(const RunConfig& config, const std::string& file);

}  // namespace lodestone::run
