#pragma once

#include <functional>

#include "trainer/miners/miner.h"
#include "trainer/negatives/tiles/anchor_walk.h"

namespace lodestone::negatives {

/// Lists the positives of each row of the batch as numbered references. Distances are float64, similarities
/// negated. `keep` selects among the positives of a row and may be called again with its own result (a
/// miner's slots); undefined keeps all. Returns this rank's rows or, with `everywhere` or if references are
/// sharded, the rows of all ranks on every rank.
/// Ranks     collective in the latter cases: an all-gather of 24 bytes per kept positive
/// Cost      O(D) per positive; memory for the kept positives and for a bounded number of others
miners::Positives positives_of(AnchorWalk& walk, losses::Measure measure,
                               const std::function<miners::Positives(const miners::Positives&)>& keep,
                               bool everywhere);

}  // namespace lodestone::negatives
