#include <limits>
#include <string>

#include <ATen/ops/argmin.h>

#include "trainer/miners/miner.h"
#include "trainer/miners/slot_math.h"

namespace lodestone::miners {

namespace {

/// Easy positives (Xuan, Stylianou and Pless, "Improved embeddings with easy positive triplet mining", 2020):
/// for each anchor its nearest positive, with its nearest negative (hard) or with the nearest one that is
/// farther than that positive (semi_hard; unlike FaceNet's semi-hard negatives it may be farther by any
/// margin).
class EasyPositiveMiner : public NearestMiner {
 public:
  void visit(Fields& f) override {
    f.choice(
        {.name = "negative", .doc = "the nearest negative of all, or of those farther than the positive"},
        &negative_, {{"hard", Negative::kHard}, {"semi_hard", Negative::kSemiHard}});
  }

  Positives slots(const Positives& all) const override {
    if (all.index_aP.size(1) == 0) return all;
    constexpr double kFarther = std::numeric_limits<double>::infinity();
    return only_slot(all, at::argmin(all.distance_aP.masked_fill(all.index_aP.lt(0), kFarther), 1));
  }

  Bounds bounds(const at::Tensor& positive_aS) const override {
    Bounds any = any_distance(positive_aS);
    return negative_ == Negative::kHard ? any : Bounds{positive_aS, any.within_aS};
  }

 private:
  enum class Negative { kHard, kSemiHard };
  Negative negative_ = Negative::kSemiHard;
};

}  // namespace

std::unique_ptr<Miner> make_easy_positive_miner() {
  return std::make_unique<EasyPositiveMiner>();
}

}  // namespace lodestone::miners
