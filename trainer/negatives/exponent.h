#pragma once

#include <optional>

#include "trainer/losses/loss.h"
#include "trainer/negatives/tile_walk.h"

namespace lodestone {

/// The one shift c with which exp(f - c) of every pair of a block neither overflows, nor loses a row to underflow, in the
/// block's type; none if the terms' range is too wide for one shift, so that each row needs its own.
std::optional<double> common_shift(const PairLoss& loss, const Block& block);

/// x → exp(x - shift), in place.
void shifted_exp(at::Tensor& x, double shift);

}  // namespace lodestone
