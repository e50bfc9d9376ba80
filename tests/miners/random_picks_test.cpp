// Miners that draw: are negatives drawn as often as they should be?
#include <ATen/ops/arange.h>
#include <ATen/ops/argmin.h>
#include <ATen/ops/bincount.h>
#include <gtest/gtest.h>

#include "miners/batch.h"

namespace lodestone::testing {
namespace {

constexpr int64_t kAnchors = 1 << 15;

/// How often each reference is drawn by kAnchors anchors that all see the same distances.
std::vector<double> draws(const DrawingMiner& miner, const std::vector<double>& distance_c, int64_t choice,
                          int64_t width, at::ScalarType type) {
  const auto references = static_cast<int64_t>(distance_c.size());
  const at::Tensor distance_rc =
      at::tensor(distance_c, at::kDouble).to(type).expand({kAnchors, references}).contiguous();
  const Candidates tile{distance_rc, at::arange(kAnchors) + choice * (int64_t{1} << 40),
                        at::arange(references), width};
  const at::Tensor score_rc = miner.score(tile);
  EXPECT_FALSE(score_rc.isnan().any().item<bool>());
  const at::Tensor count_c = at::bincount(at::argmin(score_rc, 1), {}, references).to(at::kDouble);
  std::vector<double> count;
  for (int64_t c = 0; c < references; ++c) count.push_back(count_c[c].item<double>());
  return count;
}

/// Chi-square of the counts, in standard deviations from its mean; references of weight 0 must never be
/// drawn.
void expect_frequencies(const std::vector<double>& count, const std::vector<double>& log_weight,
                        const std::string& what) {
  double most = -kInfinity, total = 0, sum = 0, freedom = -1;
  for (const double w : log_weight) most = std::max(most, w);
  for (const double w : log_weight) total += std::exp(w - most);
  double rare = 0, rare_expected = 0;  // bins too small to count by themselves
  for (size_t c = 0; c < count.size(); ++c) {
    const double expected = std::exp(log_weight[c] - most) / total * static_cast<double>(kAnchors);
    if (expected == 0) {
      EXPECT_EQ(count[c], 0) << what << ", ref " << c;
      continue;
    }
    if (expected < 10) {
      rare += count[c];
      rare_expected += expected;
      continue;
    }
    sum += (count[c] - expected) * (count[c] - expected) / expected;
    ++freedom;
  }
  EXPECT_LT(std::abs(rare - rare_expected), 5 * std::sqrt(rare_expected) + 1) << what;
  EXPECT_LT(std::abs(sum - freedom), 5 * std::sqrt(2 * std::max(freedom, 1.0))) << what;
}

TEST(RandomPicks, DistanceWeightedFollowsItsFormula) {
  const std::vector<double> distance = {0.0,  0.1, 0.5,       0.55, 0.6,  0.7,  0.8,  0.9,
                                        1.0,  1.1, 1.2,       1.3,  1.39, 1.4,  1.41, 1.7,
                                        1.99, 2.0, kInfinity, 0.75, 0.85, 0.95, 1.05, 1.15};
  for (const auto& [cutoff, farthest] : {std::pair{0.5, 1.4}, std::pair{0.8, 1.95}, std::pair{1.0, 2.0}})
    for (const int64_t D : {2, 3, 8, 128, 2048}) {
      std::vector<double> log_weight;
      for (const double d : distance) {
        const double raised = std::max(d, cutoff), width = static_cast<double>(D);
        const double log_q =
            (width - 2) * std::log(raised) + (width - 3) / 2 * std::log(1 - raised * raised / 4);
        log_weight.push_back(d < farthest ? -log_q : -kInfinity);
      }
      const Made<DrawingMiner> miner(
          "distance_weighted",
          "cutoff: " + std::to_string(cutoff) + ", nonzero_loss_cutoff: " + std::to_string(farthest));
      for (const at::ScalarType type : {at::kFloat, at::kDouble})
        for (const int64_t slot : {0, 1})
          expect_frequencies(draws(*miner, distance, slot, D, type), log_weight,
                             "D " + std::to_string(D) + ", cutoff " + std::to_string(cutoff));
    }
}

TEST(RandomPicks, RandomIsUniform) {
  std::vector<double> distance, log_weight;
  for (int c = 0; c < 300; ++c) {
    distance.push_back(c % 3 == 0 ? kInfinity : 0.01 * c - 1);
    log_weight.push_back(c % 3 == 0 ? -kInfinity : 0.0);
  }
  const Made<DrawingMiner> miner("random");
  for (const at::ScalarType type : {at::kFloat, at::kDouble})
    for (const int64_t slot : {0, 1})
      expect_frequencies(draws(*miner, distance, slot, 8, type), log_weight, "random");
}

// Every positive that can have a negative gets one, the same however the batch is cut into tiles.
TEST(RandomPicks, TilesDoNotMatterAndSlotsDiffer) {
  for (const std::string name : {"distance_weighted", "random"}) {
    const Made<TripletMiner> miner(name);
    const PairTable x = random_pairs(25, 0x1p-12, 4);
    const std::vector<Triplet> whole = picks(*miner, x, at::kFloat, 25);
    EXPECT_EQ(picks(*miner, x, at::kFloat, 4), whole);
    size_t expected = 0, differing = 0;
    for (int64_t a = 0; a < x.B; ++a)
      for (int64_t p = 0; p < x.B; ++p) {
        if (!x.pos(a, p)) continue;
        bool found = false;
        for (int64_t n = 0; n < x.B; ++n)
          found = found || (x.neg(a, n) && (name == "random" || x.d(a, n) < 1.4));
        expected += found;
      }
    for (size_t k = 1; k < whole.size(); ++k)
      differing += whole[k].a == whole[k - 1].a && whole[k].n != whole[k - 1].n;
    EXPECT_EQ(whole.size(), expected);
    EXPECT_GT(differing, whole.size() / 4);
    for (const Triplet& t : whole) EXPECT_TRUE(x.pos(t.a, t.p) && x.neg(t.a, t.n)) << t;
  }
}

}  // namespace
}  // namespace lodestone::testing
