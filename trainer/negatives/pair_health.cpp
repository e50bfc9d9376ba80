#include "trainer/negatives/pair_health.h"

#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "trainer/negatives/measure.h"

namespace lodestone {

namespace {

constexpr int64_t kAnchors = 32;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Adds Σ and count of the finite values.
void tally(at::Tensor& sums, int64_t at, const at::Tensor& values, const at::Tensor& mask) {
  sums[at].add_(at::where(mask, values, 0).sum());
  sums[at + 1].add_(mask.sum());
}

}  // namespace

PairHealth pair_health(const Group& group, const GlobalRows& rows) {
  at::Tensor sums = at::zeros({8}, rows.u_BD.options().dtype(at::kDouble));
  const int64_t anchors = std::min(kAnchors, rows.local);
  if (anchors > 0) {
    const Tile tile = rows.masks(rows.first, anchors, 0, rows.size());
    const at::Tensor distance_rc =
        measure_tile(Measure::kL2, rows.u_BD.narrow(0, rows.first, anchors), rows.u_BD).to(at::kDouble);
    tally(sums, 0, distance_rc, tile.positive_rc);
    tally(sums, 2, distance_rc, tile.negative_rc);
    const at::Tensor farthest_r = at::where(tile.positive_rc, distance_rc, -kInfinity).amax(1);
    const at::Tensor nearest_r = at::where(tile.negative_rc, distance_rc, kInfinity).amin(1);
    tally(sums, 4, farthest_r, farthest_r > -kInfinity);
    tally(sums, 6, nearest_r, nearest_r < kInfinity);
  }
  group.all_reduce(sums);
  const at::Tensor host = sums.cpu();
  const auto mean = [&](int64_t at) {
    const double* value = host.const_data_ptr<double>() + at;
    return value[1] > 0 ? value[0] / value[1] : 0.0;
  };
  return {mean(0), mean(2), mean(4), mean(6)};
}

}  // namespace lodestone
