#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace lodestone::miners {

/// A random number for each pair of a tile, uniform in the open interval (0, 1): a pure function of the int64
/// keys of anchor and reference, whatever the tile. Float32 [r, c], in steps of 2^-31 near 0 and of 2^-24
/// near 1: fine enough to compare the least numbers of a row, or its least -log(1 - u), among a million.
/// Usable for tiles of float64 too.
at::Tensor pair_uniform(const at::Tensor& anchor_key_r, const at::Tensor& reference_key_c);

}  // namespace lodestone::miners
