#include <ATen/TensorOperators.h>

#include "trainer/miners/miner.h"

namespace lodestone::miners {

namespace {

/// Semi-hard negatives (Schroff, Kalenichenko and Philbin, "FaceNet: a unified embedding for face recognition
/// and clustering", 2015): for each anchor and positive the nearest negative that is farther than the
/// positive, d(a,p) < d(a,n) < d(a,p) + margin. Positives without such a negative give no triplet.
class SemiHardMiner : public NearestMiner {
 public:
  void visit(Fields& f) override {
    f.field({.name = "margin", .doc = "how much farther than the positive a negative may be", .min = 0.0},
            &margin_);
  }

  Positives slots(const Positives& all) const override { return all; }

  Bounds bounds(const at::Tensor& positive_aS) const override { return {positive_aS, positive_aS + margin_}; }

 private:
  double margin_ = 0.2;
};

}  // namespace

std::unique_ptr<Miner> make_semi_hard_miner() {
  return std::make_unique<SemiHardMiner>();
}

}  // namespace lodestone::miners
