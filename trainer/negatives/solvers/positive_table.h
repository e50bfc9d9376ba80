#pragma once

#include <functional>

#include "trainer/miners/miner.h"
#include "trainer/negatives/tiles/anchor_walk.h"

namespace lodestone {

/// The positives of each row of the batch, by number. Distances are float64, similarities negated.
/// `keep` thins out the positives of a row and may be asked again of what it kept (a miner's slots); undefined keeps all.
/// Rows       this rank's; with `everywhere`, or where refs are sharded, those of all ranks, on every rank
/// Ranks      collective in the latter cases: an all-gather of 24 bytes per positive kept
/// Cost       O(D) per positive; memory for what is kept and for a bounded number of positives besides
Positives positives_of(AnchorWalk& walk, Measure measure,
                       const std::function<Positives(const Positives&)>& keep, bool everywhere);

}  // namespace lodestone
