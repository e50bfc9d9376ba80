#pragma once

#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

/// The shape of one example of the configured data.
encoders::InputShape input_shape(const RunConfig& config);

/// Builds the configured encoder for the configured data.
/// Throws    ConfigError if the encoder needs code that config.code does not allow
void build_encoder(const RunConfig& config, encoders::Encoder& encoder);

/// Copies the weights and running statistics of a checkpoint into the configured encoder: the averaged
/// weights if the run kept an average.
/// Throws    CheckpointError if they belong to another encoder, or if the model was trained with another
///           vocabulary
void restore_model(const coordinator::Snapshot& snapshot, const RunConfig& config);

/// Logs on rank 0 the warnings that the encoder has for the user.
void log_remarks(const encoders::Encoder& encoder, const coordinator::RunContext& context, bool training);

}  // namespace lodestone::run
