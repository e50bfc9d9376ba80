#include "trainer/eval/projection.h"

#include <algorithm>
#include <map>

#include <ATen/ops/equal.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "eval/rows_for_tests.h"
#include "trainer/eval/confusion.h"

namespace lodestone::testing {
using namespace eval;
namespace {

at::Tensor random_rows(int64_t rows, int64_t width, uint64_t seed) {
  return clustered_rows(seed, rows, width, std::max<int64_t>(rows, 1), 1).x_ND.to(at::kDouble);
}

TEST(Projection, PlaneIsThatOfTheSingularVectors) {
  const at::Tensor z_ND = random_rows(30, 7, 1);
  const at::Tensor plane_N2 = project_to_plane(z_ND);
  const auto [u, s, v] = at::linalg_svd(z_ND - z_ND.mean(0, true), false);
  for (int64_t axis = 0; axis < 2; ++axis) {
    const at::Tensor expected_N = u.select(1, axis) * s[axis];
    const at::Tensor got_N = plane_N2.select(1, axis);
    const double off = std::min((got_N - expected_N).abs().max().item<double>(),
                                (got_N + expected_N).abs().max().item<double>());
    EXPECT_LT(off, 1e-10);
  }
  EXPECT_TRUE(at::equal(project_to_plane(z_ND), plane_N2));
}

TEST(Projection, FewOrEqualRowsAreZeros) {
  EXPECT_EQ(project_to_plane(random_rows(1, 3, 1)).abs().max().item<double>(), 0);
  EXPECT_EQ(project_to_plane(random_rows(0, 3, 1)).size(0), 0);
  EXPECT_LT(project_to_plane(at::ones({5, 3}, at::kDouble)).abs().max().item<double>(), 1e-6);
}

TEST(Projection, SamplesAFewClassesAndOthersWithinItsBounds) {
  const LabelledRows rows = clustered_rows(1, 1000, 8, 10, 0.5);
  const Projection found = project_sample(rows, Similarity::kCosine, 3);
  EXPECT_EQ(found.classes.size(), 6U);
  EXPECT_EQ(found.rows.size(), 400U);
  std::map<int64_t, int64_t> kinds;
  for (const ProjectedRow& row : found.rows) ++kinds[row.kind];
  EXPECT_EQ(kinds[0], 160);
  for (int64_t kind = 1; kind <= 6; ++kind) EXPECT_EQ(kinds[kind], 40);
  EXPECT_EQ(found.rows.front().kind, 0);
  EXPECT_EQ(project_sample(rows, Similarity::kCosine, 3).classes, found.classes);
  EXPECT_NE(project_sample(rows, Similarity::kCosine, 4).classes, found.classes);
  EXPECT_TRUE(project_sample({at::ones({0, 3}), {}}, Similarity::kL2, 1).rows.empty());
}

TEST(Confusion, CountsWhatTheNearestRowIsTakenFor) {
  // On a line: both 5s are nearest to a 7; one 7 to a 5, one to its like; the 9 is lone.
  const LabelledRows rows{rows_of({{0}, {1}, {10}, {11.5F}, {12}, {40}}), {5, 7, 5, 7, 7, 9}};
  const Retrieval found = retrieve_leave_one_out(rows, {Similarity::kL2});
  const auto confused = most_confused(found, rows.groups_N, rows.groups_N);
  ASSERT_EQ(confused.size(), 2U);
  EXPECT_EQ(confused[0].from, 5);
  EXPECT_EQ(confused[0].to, 7);
  EXPECT_EQ(confused[0].count, 2);
  EXPECT_EQ(confused[0].queries, 2);
  EXPECT_EQ(confused[1].from, 7);
  EXPECT_EQ(confused[1].count, 1);
  EXPECT_EQ(confused[1].queries, 3);
  EXPECT_EQ(most_confused(found, rows.groups_N, rows.groups_N, 1).size(), 1U);
}

}  // namespace
}  // namespace lodestone::testing
