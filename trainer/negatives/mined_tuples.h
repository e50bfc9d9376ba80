#pragma once

#include "trainer/miners/miner.h"
#include "trainer/negatives/dense_pairs.h"

namespace lodestone {

/// The tuples whose anchors are this rank's rows, mined against the global batch in tiles of (my rows × all rows).
/// Ranks     no communication. The union over ranks is what one process would mine.
/// Cost      one product of 2·b·B·D flops per pass of the miner
Tuples mine(const GlobalRows& rows, const Miner& miner, Measure measure);

/// The loss over tuples (mined, or explicit from the data), given those of this rank's anchors.
/// Math      each rank measures its tuples from their rows and differentiates its part of the sum; tuples and coefficients
///           are all-gathered and each rank applies those that touch its rows.
/// Ranks     collective.
/// Cost      1 all-reduce of a few numbers; all-gathers of 3 integers and 3 floats per tuple
LossOutcome tuple_loss(const Group& group, const GlobalRows& rows, const Loss& loss, const Tuples& tuples);

}  // namespace lodestone
