#include "trainer/miners/slot_math.h"

#include <limits>

#include <ATen/ops/full_like.h>

namespace lodestone::miners {

Positives only_slot(const Positives& all, const at::Tensor& column_a) {
  const at::Tensor column_a1 = column_a.unsqueeze(1);
  return {all.distance_aP.gather(1, column_a1), all.index_aP.gather(1, column_a1)};
}

NearestMiner::Bounds any_distance(const at::Tensor& positive_aS) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return {at::full_like(positive_aS, -kInfinity), at::full_like(positive_aS, kInfinity)};
}

}  // namespace lodestone::miners
