#include <limits>
#include <string>

#include <ATen/ops/argmin.h>

#include "trainer/miners/miner.h"
#include "trainer/miners/tile_math.h"

namespace lodestone {

namespace {

/// Easy positives (Xuan, Stylianou and Pless, "Improved embeddings with easy positive triplet mining", 2020): for each
/// anchor its nearest positive, with its nearest negative (hard) or with the nearest one that is farther than that
/// positive (semi_hard; unlike FaceNet's semi-hard negatives it may be farther by any margin).
class EasyPositiveMiner : public TripletMiner {
 public:
  void visit(Fields& f) override {
    f.field({"negative",
             "the nearest negative of all, or of those farther than the positive",
             "",
             {},
             {},
             {"hard", "semi_hard"}},
            &negative_);
  }

  Positives slots(const Positives& all) const override {
    if (all.index_aP.size(1) == 0) return all;
    constexpr double kFarther = std::numeric_limits<double>::infinity();
    return only_slot(all, at::argmin(all.distance_aP.masked_fill(all.index_aP.lt(0), kFarther), 1));
  }

  at::Tensor score(const at::Tensor& positive_r, const Candidates& tile) const override {
    if (ignores_slot()) return tile.distance_rc;
    at::Tensor kept_rc = is_above(tile.distance_rc, as_bound(positive_r, tile.distance_rc));
    return bar_unless(kept_rc).add_(tile.distance_rc);
  }
  bool ignores_slot() const override { return negative_ == "hard"; }

 private:
  std::string negative_ = "semi_hard";
};

}  // namespace

std::unique_ptr<Miner> make_easy_positive_miner() {
  return std::make_unique<EasyPositiveMiner>();
}

}  // namespace lodestone
