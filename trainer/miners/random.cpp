#include <limits>

#include <ATen/TensorOperators.h>

#include "trainer/miners/miner.h"
#include "trainer/miners/pair_random.h"

namespace lodestone::miners {

namespace {

/// Random triplets: for each positive one negative, all equally likely.
class RandomMiner : public DrawingMiner {
 public:
  void visit(Fields&) override {}

  Positives slots(const Positives& all) const override { return all; }

  at::Tensor score(const Candidates& tile) const override {
    constexpr double kLargest = std::numeric_limits<float>::max();
    // 0 for negatives, +inf for the others.
    at::Tensor bar_rc = tile.distance_rc.clamp_min(kLargest);
    return bar_rc.sub_(kLargest).add_(pair_uniform(tile.anchor_key_r, tile.reference_key_c));
  }
};

}  // namespace

std::unique_ptr<Miner> make_random_miner() {
  return std::make_unique<RandomMiner>();
}

}  // namespace lodestone::miners
