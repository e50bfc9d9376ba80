#pragma once

#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/run_config.h"

namespace lodestone {

/// What one example of the configured data looks like.
InputShape input_shape(const RunConfig& config);

/// Builds the configured encoder for the configured data. Throws ConfigError if that needs code that config.code doesn't allow.
void build_encoder(const RunConfig& config, Encoder& encoder);

/// Puts a checkpoint's weights and running statistics into the configured encoder: the averaged ones if the run kept an average.
/// Throws    CheckpointError if they are another encoder's, or the model was trained with another vocabulary
void restore_model(const Snapshot& snapshot, const RunConfig& config);

/// Warns, on rank 0, of what the user should know about the encoder.
void tell_remarks(const Encoder& encoder, const RunContext& context, bool training);

}  // namespace lodestone
