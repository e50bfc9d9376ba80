#pragma once

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/encoders/encoder.h"

namespace lodestone {

/// A part of an encoder that is computed anew in the backward pass: a function of x and of parameters that it holds.
using Block = std::function<at::Tensor(const at::Tensor& x, const ForwardMode& mode)>;

/// block(x, mode), keeping x alone for the backward pass, which then runs the block again (Chen et al. 2016), if mode.recompute
/// asks for it. Same result and same gradient: random numbers are a function of mode.draw, running statistics move the first
/// time only, and mixed precision is as it was.
/// `parameters` are the learned ones that the block uses.
/// Memory    one x for each block and the activations of one block; cost one more forward pass
/// Ranks     a synchronous batch norm in the block has its collectives once more, in the backward pass, on all ranks alike.
at::Tensor run_block(const Block& block, const at::Tensor& x, const std::vector<at::Tensor>& parameters,
                     const ForwardMode& mode);

/// The tensors that `parameters` learned from `first` on: those of the block that was just made.
std::vector<at::Tensor> learned_since(const Parameters& parameters, size_t first);

}  // namespace lodestone
