#include <ATen/TensorOperators.h>

#include "trainer/miners/miner.h"
#include "trainer/miners/tile_math.h"

namespace lodestone {

namespace {

/// Semi-hard negatives (Schroff, Kalenichenko and Philbin, "FaceNet: a unified embedding for face recognition and
/// clustering", 2015): for each anchor and positive the nearest negative that is farther than the positive,
/// d(a,p) < d(a,n) < d(a,p) + margin. Positives without such a negative give no triplet.
class SemiHardMiner : public TripletMiner {
 public:
  void visit(Fields& f) override {
    f.field({"margin", "how much farther than the positive a negative may be", "", 0.0}, &margin_);
  }

  Positives slots(const Positives& all) const override { return all; }

  at::Tensor score(const at::Tensor& positive_r, const Candidates& tile) const override {
    const at::Tensor positive_r1 = as_bound(positive_r, tile.distance_rc);
    at::Tensor kept_rc = is_above(tile.distance_rc, positive_r1);
    kept_rc.mul_(is_below(tile.distance_rc, positive_r1 + margin_));
    return bar_unless(kept_rc).add_(tile.distance_rc);
  }

 private:
  double margin_ = 0.2;
};

}  // namespace

std::unique_ptr<Miner> make_semi_hard_miner() {
  return std::make_unique<SemiHardMiner>();
}

}  // namespace lodestone
