#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/max.h>
#include <ATen/ops/min.h>
#include <ATen/ops/where.h>

#include "trainer/miners/miner.h"

namespace lodestone {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Batch-hard (Hermans et al. 2017): for each anchor its farthest positive and its nearest negative in the global batch.
/// Anchors without a positive or without a negative give no tuple. Row state: column 0 the positive, 1 the negative.
class BatchHardMiner : public Miner {
 public:
  void visit(Fields&) override {}

  MiningState initial_state(int64_t rows, int64_t, const at::TensorOptions& options) const override {
    MiningState state{at::full({rows, 2}, kInfinity, options), at::full({rows, 2}, -1, options.dtype(at::kLong))};
    state.distance_rk.select(1, 0).fill_(-kInfinity);
    return state;
  }

  void fold(int, const MiningTile& tile, MiningState& state) const override {
    const auto [far_r, far_index_r] = at::max(at::where(tile.positive_rc, tile.distance_rc, -kInfinity), 1);
    replace(state, 0, far_r > state.distance_rk.select(1, 0), far_r, far_index_r + tile.first_ref);
    const auto [near_r, near_index_r] = at::min(at::where(tile.negative_rc, tile.distance_rc, kInfinity), 1);
    replace(state, 1, near_r < state.distance_rk.select(1, 1), near_r, near_index_r + tile.first_ref);
  }

  Tuples tuples(const at::Tensor& anchor_r, const MiningState& state) const override {
    const at::Tensor positive_r = state.index_rk.select(1, 0);
    const at::Tensor negative_r = state.index_rk.select(1, 1);
    const at::Tensor found_r = at::logical_and(positive_r >= 0, negative_r >= 0);
    return {anchor_r.index({found_r}), positive_r.index({found_r}), negative_r.index({found_r})};
  }

 private:
  static void replace(MiningState& state, int64_t column, const at::Tensor& better_r, const at::Tensor& distance_r,
                      const at::Tensor& index_r) {
    at::Tensor kept_distance_r = state.distance_rk.select(1, column);
    at::Tensor kept_index_r = state.index_rk.select(1, column);
    kept_distance_r.copy_(at::where(better_r, distance_r, kept_distance_r));
    kept_index_r.copy_(at::where(better_r, index_r, kept_index_r));
  }
};

}  // namespace

std::unique_ptr<Miner> make_batch_hard_miner() { return std::make_unique<BatchHardMiner>(); }

}  // namespace lodestone
