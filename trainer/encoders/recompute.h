#pragma once

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/encoders/encoder.h"

namespace lodestone::encoders {

/// A part of an encoder that is computed again in the backward pass: a function of x and of parameters that
/// it holds.
using Block = std::function<at::Tensor(const at::Tensor& x, const ForwardMode& mode)>;
/// The same with several inputs and results, all of them tensors that may take a gradient.
using Blocks =
    std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>& x, const ForwardMode& mode)>;

/// Computes block(x, mode). If mode.recompute is set, only x is kept and the backward pass runs the block
/// again (Chen et al. 2016). Result and gradient are the same: random numbers are a function of mode.draw,
/// running statistics are updated in the first run only, and mixed precision is restored. `parameters` are
/// the learned ones that the block uses.
/// Ranks     a synchronous batch norm in the block repeats its collectives in the backward pass, on all ranks
///           alike
/// Cost      memory of one x per block and of the activations of one block; one more forward pass
at::Tensor run_block(const Block& block, const at::Tensor& x, const std::vector<at::Tensor>& parameters,
                     const ForwardMode& mode);
std::vector<at::Tensor> run_block(const Blocks& block, const std::vector<at::Tensor>& x,
                                  const std::vector<at::Tensor>& parameters, const ForwardMode& mode);

/// The learned tensors that `parameters` got from index `first` on: those of the block that was just made.
std::vector<at::Tensor> learned_since(const Parameters& parameters, size_t first);

}  // namespace lodestone::encoders
