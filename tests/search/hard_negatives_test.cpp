#include "trainer/search/hard_negatives.h"

#include <algorithm>
#include <set>

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include "common/rng.h"

namespace lodestone {
using namespace eval;
using namespace search;
namespace {

struct Made {
  LabelledRows rows;
  std::vector<uint64_t> ids;
};

// 60 rows of 12 labels; labels 10 and 11 look alike; rows 5 and 17 are copies of one sample.
Made made() {
  constexpr int64_t kRows = 60, kWidth = 6;
  Made all{{at::empty({kRows, kWidth}), {}, {}}, {}};
  Random random(3, Purpose::kNoise, 0);
  float* x = all.rows.x_ND.mutable_data_ptr<float>();
  for (int64_t i = 0; i < kRows * kWidth; ++i) x[i] = static_cast<float>(random.below(2001)) / 1000 - 1;
  for (int64_t i = 0; i < kRows; ++i) {
    all.rows.labels_N.push_back(i % 12);
    all.rows.groups_N.push_back(std::min<int64_t>(i % 12, 10));
    all.ids.push_back(static_cast<uint64_t>(i == 17 ? 5 : i));
  }
  return all;
}

// The definition, in loops.
std::vector<MinedTriplet> naive(const Made& m, const MiningOptions& options) {
  const ComparableRows rows(m.rows.x_ND, Similarity::kCosine);
  std::vector<MinedTriplet> found;
  for (int64_t a = 0; a < rows.size(); ++a) {
    const auto at = [&](const auto& list, int64_t i) { return list[static_cast<size_t>(i)]; };
    int64_t positive = -1;
    for (int64_t p = 0; p < rows.size(); ++p)
      if (at(m.rows.labels_N, p) == at(m.rows.labels_N, a) && at(m.ids, p) != at(m.ids, a) &&
          (positive < 0 || score(rows, a, rows, p) < score(rows, a, rows, positive)))
        positive = p;
    std::vector<int64_t> negatives;
    std::set<uint64_t> seen = {at(m.ids, a), at(m.ids, positive)};
    std::vector<int64_t> order;
    for (int64_t n = 0; n < rows.size(); ++n) order.push_back(n);
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t x, int64_t y) { return score(rows, a, rows, x) > score(rows, a, rows, y); });
    for (const int64_t n : order) {
      const double s = score(rows, a, rows, n);
      if (at(m.rows.groups_N, n) == at(m.rows.groups_N, a) || s > options.max_score ||
          s <= score(rows, a, rows, positive) - options.margin ||
          static_cast<int64_t>(negatives.size()) == options.per_anchor || !seen.insert(at(m.ids, n)).second)
        continue;
      negatives.push_back(n);
      found.push_back({a, positive, n});
    }
  }
  return found;
}

TEST(HardNegatives, AreThoseOfTheDefinition) {
  const Made m = made();
  for (const MiningOptions& options :
       {MiningOptions{1, 0.1, 0.98}, MiningOptions{3, 0.0, 0.6}, MiningOptions{2, 0.5, 1.0}}) {
    const auto found = mine_triplets(m.rows, m.ids, 0, 60, options);
    EXPECT_FALSE(found.empty());
    EXPECT_EQ(found, naive(m, options));
    auto parts = mine_triplets(m.rows, m.ids, 0, 23, options);
    const auto rest = mine_triplets(m.rows, m.ids, 23, 60, options);
    parts.insert(parts.end(), rest.begin(), rest.end());
    EXPECT_EQ(parts, found);
  }
}

TEST(HardNegatives, SayNothingTwice) {
  const std::vector<uint64_t> ids = {1, 2, 3, 1, 2};
  const auto kept = without_repeats({{0, 1, 2}, {3, 1, 2}, {0, 4, 2}, {1, 0, 2}}, ids);
  EXPECT_EQ(kept, (std::vector<MinedTriplet>{{0, 1, 2}, {1, 0, 2}}));
}

}  // namespace
}  // namespace lodestone
