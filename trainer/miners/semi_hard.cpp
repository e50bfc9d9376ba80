#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/max.h>
#include <ATen/ops/min.h>
#include <ATen/ops/where.h>

#include "trainer/miners/miner.h"

namespace lodestone {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Semi-hard negatives (Schroff et al. 2015): for each anchor and positive the nearest negative that is farther than the
/// positive, d(a,p) < d(a,n) < d(a,p) + margin. Positives without such a negative give no tuple.
/// Row state: columns 0..P-1 the positives (pass 0), P..2P-1 their negatives (pass 1).
class SemiHardMiner : public Miner {
 public:
  void visit(Fields& f) override {
    f.field({"margin", "how much farther than the positive a negative may be", "", 0.0}, &margin_);
  }
  int passes() const override { return 2; }

  MiningState initial_state(int64_t rows, int64_t max_positives, const at::TensorOptions& options) const override {
    return {at::full({rows, 2 * max_positives}, kInfinity, options),
            at::full({rows, 2 * max_positives}, -1, options.dtype(at::kLong))};
  }

  void fold(int pass, const MiningTile& tile, MiningState& state) const override {
    const int64_t positives = state.distance_rk.size(1) / 2;
    for (int64_t p = 0; p < positives; ++p) {
      const at::Tensor candidate_rc = pass == 0 ? at::logical_and(tile.positive_rc, tile.slot_rc == p)
                                                : semi_hard(tile, state.distance_rk.select(1, p).unsqueeze(1));
      const auto [distance_r, index_r] = at::min(at::where(candidate_rc, tile.distance_rc, kInfinity), 1);
      at::Tensor kept_distance_r = state.distance_rk.select(1, pass * positives + p);
      at::Tensor kept_index_r = state.index_rk.select(1, pass * positives + p);
      const at::Tensor better_r = distance_r < kept_distance_r;
      kept_index_r.copy_(at::where(better_r, index_r + tile.first_ref, kept_index_r));
      kept_distance_r.copy_(at::where(better_r, distance_r, kept_distance_r));
    }
  }

  Tuples tuples(const at::Tensor& anchor_r, const MiningState& state) const override {
    const int64_t positives = state.index_rk.size(1) / 2;
    const at::Tensor positive_t = state.index_rk.narrow(1, 0, positives).reshape(-1);
    const at::Tensor negative_t = state.index_rk.narrow(1, positives, positives).reshape(-1);
    const at::Tensor anchor_t = anchor_r.unsqueeze(1).expand({-1, positives}).reshape(-1);
    const at::Tensor found_t = at::logical_and(positive_t >= 0, negative_t >= 0);
    return {anchor_t.index({found_t}), positive_t.index({found_t}), negative_t.index({found_t})};
  }

 private:
  at::Tensor semi_hard(const MiningTile& tile, const at::Tensor& positive_distance) const {
    return at::logical_and(tile.negative_rc, at::logical_and(tile.distance_rc > positive_distance,
                                                             tile.distance_rc < positive_distance + margin_));
  }

  double margin_ = 0.2;
};

}  // namespace

std::unique_ptr<Miner> make_semi_hard_miner() { return std::make_unique<SemiHardMiner>(); }

}  // namespace lodestone
