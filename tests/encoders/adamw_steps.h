#pragma once

#include <ATen/TensorOperators.h>

#include "trainer/encoders/encoder.h"
#include "trainer/engine/optimizer.h"

namespace lodestone::testing {

/// Steps of AdamW towards these embeddings, as programs/record.py takes them with PyTorch's.
inline void take_steps(encoders::Encoder& encoder, const Features& x, const at::Tensor& target_nD,
                       int64_t steps) {
  engine::OptimizerConfig config;
  config.learning_rate = 0.01;
  config.weight_decay = 0.01;
  engine::Optimizer optimizer(config, encoder.parameters().learned());
  encoders::ForwardMode mode;
  mode.training = true;
  for (int64_t i = 0; i < steps; ++i) {
    const at::Tensor z_nD = encoder.forward(x, mode);
    z_nD.backward(z_nD.detach() - target_nD);
    optimizer.step(1.0);
  }
}

}  // namespace lodestone::testing
