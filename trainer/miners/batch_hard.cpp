#include <limits>

#include <ATen/ops/argmax.h>

#include "trainer/miners/miner.h"
#include "trainer/miners/slot_math.h"

namespace lodestone::miners {

namespace {

/// Batch-hard (Hermans, Beyer and Leibe, "In defense of the triplet loss for person re-identification",
/// 2017): for each anchor its farthest positive and its nearest negative in the global batch.
class BatchHardMiner : public NearestMiner {
 public:
  void visit(Fields&) override {}

  Positives slots(const Positives& all) const override {
    if (all.index_aP.size(1) == 0) return all;
    constexpr double kNearer = -std::numeric_limits<double>::infinity();
    return only_slot(all, at::argmax(all.distance_aP.masked_fill(all.index_aP.lt(0), kNearer), 1));
  }

  Bounds bounds(const at::Tensor& positive_aS) const override { return any_distance(positive_aS); }
  bool only_hardest() const override { return true; }
};

}  // namespace

std::unique_ptr<Miner> make_batch_hard_miner() {
  return std::make_unique<BatchHardMiner>();
}

}  // namespace lodestone::miners
