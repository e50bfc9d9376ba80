#include <ATen/TensorOperators.h>

#include "trainer/miners/miner.h"

namespace lodestone::miners {

namespace {

/// Multi-similarity mining (Wang, Han, Huang, Dong and Scott, "Multi-similarity loss with general pair
/// weighting for deep metric learning", 2019): a negative is kept if it is nearer than the anchor's farthest
/// positive plus epsilon, a positive if it is farther than the anchor's nearest negative minus epsilon.
/// Epsilon is in the loss's measure. Anchors without a positive keep no negative, anchors without a negative
/// no positive: the bounds are infinite there.
class MultiSimilarityMiner : public PairMiner {
 public:
  void visit(Fields& f) override {
    f.field({.name = "epsilon",
             .doc = "how much easier than the hardest pair of the other kind a pair may be",
             .min = 0.0},
            &epsilon_);
  }

  std::pair<at::Tensor, at::Tensor> thresholds(const at::Tensor& farthest_positive_a,
                                               const at::Tensor& nearest_negative_a) const override {
    return {farthest_positive_a + epsilon_, nearest_negative_a - epsilon_};
  }

 private:
  double epsilon_ = 0.1;
};

}  // namespace

std::unique_ptr<Miner> make_multi_similarity_miner() {
  return std::make_unique<MultiSimilarityMiner>();
}

}  // namespace lodestone::miners
