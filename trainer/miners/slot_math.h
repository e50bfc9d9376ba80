#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/miners/miner.h"

namespace lodestone::miners {

/// The positive at column_a of each anchor (int64 [a]) as its only slot: [a, 1].
Positives only_slot(const Positives& all, const at::Tensor& column_a);

/// Bounds that include every negative.
NearestMiner::Bounds any_distance(const at::Tensor& positive_aS);

}  // namespace lodestone::miners
