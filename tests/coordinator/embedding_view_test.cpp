#include "trainer/coordinator/metrics/embedding_view.h"

#include <gtest/gtest.h>

#include "support/batches.h"

namespace lodestone::testing {
using namespace coordinator;
namespace {

TEST(EmbeddingView, TripletsAreTheHardestAsLoopsFindThem) {
  const at::Tensor z_ND = random_rows(24, 3, 2);
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < 24; ++i) labels.push_back(i % 9);  // 0 to 5 three times, the others twice
  const auto found = hardest_triplets(z_ND, labels, 5);
  ASSERT_EQ(found.size(), 5U);
  std::vector<double> violations;
  for (int64_t a = 0; a < 24; ++a) {
    double positive = 0, negative = 1e9;
    for (int64_t b = 0; b < 24; ++b) {
      const double distance = (z_ND[a] - z_ND[b]).norm().item<double>();
      const bool same = labels[static_cast<size_t>(a)] == labels[static_cast<size_t>(b)];
      if (same && b != a) positive = std::max(positive, distance);
      if (!same) negative = std::min(negative, distance);
    }
    violations.push_back(positive - negative);
  }
  std::sort(violations.rbegin(), violations.rend());
  for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(found[i].violation, violations[i], 1e-9);
}

TEST(EmbeddingView, RowsWithoutPositivesOrNegativesAreNoAnchors) {
  const at::Tensor z_ND = random_rows(3, 2, 3);
  EXPECT_TRUE(hardest_triplets(z_ND, {1, 2, 3}, 4).empty());
  EXPECT_TRUE(hardest_triplets(z_ND, {1, 1, 1}, 4).empty());
  EXPECT_EQ(hardest_triplets(z_ND, {1, 1, 2}, 4).size(), 2U);
}

}  // namespace
}  // namespace lodestone::testing
