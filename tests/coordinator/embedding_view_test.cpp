#include "trainer/coordinator/embedding_view.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "support/batches.h"

namespace lodestone::testing {
namespace {

TEST(EmbeddingView, PlaneIsThatOfTheSingularVectors) {
  const at::Tensor z_ND = random_rows(30, 7, 1);
  const at::Tensor plane_N2 = project_to_plane(z_ND);
  const auto [u, s, v] = at::linalg_svd(z_ND - z_ND.mean(0, true), false);
  for (int64_t axis = 0; axis < 2; ++axis) {
    const at::Tensor expected_N = u.select(1, axis) * s[axis];
    const at::Tensor got_N = plane_N2.select(1, axis);
    const double off = std::min((got_N - expected_N).abs().max().item<double>(), (got_N + expected_N).abs().max().item<double>());
    EXPECT_LT(off, 1e-10);
  }
  EXPECT_TRUE(at::equal(project_to_plane(z_ND), plane_N2));
}

TEST(EmbeddingView, FewOrEqualRowsAreZeros) {
  EXPECT_EQ(project_to_plane(random_rows(1, 3, 1)).abs().max().item<double>(), 0);
  EXPECT_EQ(project_to_plane(random_rows(0, 3, 1)).size(0), 0);
  EXPECT_LT(project_to_plane(at::ones({5, 3}, at::kDouble)).abs().max().item<double>(), 1e-6);
}

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
