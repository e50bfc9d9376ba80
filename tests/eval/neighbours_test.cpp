#include "trainer/eval/neighbours.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "eval/rows_for_tests.h"

namespace lodestone {
using namespace eval;
namespace {

std::vector<Neighbour> naive_neighbours(const LabelledRows& rows, int64_t query, Similarity similarity) {
  std::vector<Neighbour> all;
  const ComparableRows ready(rows.x_ND, similarity);
  for (int64_t j = 0; j < ready.size(); ++j) {
    const auto group = [&](int64_t i) { return rows.groups_N[static_cast<size_t>(i)]; };
    if (j != query) all.push_back({score(ready, query, ready, j), j, group(query) == group(j)});
  }
  std::sort(all.begin(), all.end(), ranks_before);
  return all;
}

// All rows among themselves at once, and stretches of them, which are searched another way.
void expect_exact(const LabelledRows& rows, Similarity similarity, int64_t query_tile, int64_t gallery_tile,
                  int64_t k) {
  const ComparableRows ready(rows.x_ND, similarity);
  NeighbourSearch search{ready, rows.groups_N, ready, rows.groups_N, 0, {}, query_tile, gallery_tile};
  const auto found = nearest_neighbours(search, k);
  ASSERT_EQ(static_cast<int64_t>(found.size()), ready.size());
  auto in_ranges = found;
  for (const ItemRange asked : {ItemRange{0, ready.size() / 3}, {ready.size() / 3, ready.size()}}) {
    search.asked = asked;
    const auto some = nearest_neighbours(search, k);
    for (int64_t i = asked.begin; i < asked.end; ++i)
      in_ranges[static_cast<size_t>(i)] = some[static_cast<size_t>(i)];
  }
  for (int64_t i = 0; i < ready.size(); ++i) {
    const auto expected = naive_neighbours(rows, i, similarity);
    for (const auto* all :
         {static_cast<const decltype(found)*>(&found), static_cast<const decltype(found)*>(&in_ranges)}) {
      const auto& list = (*all)[static_cast<size_t>(i)];
      ASSERT_EQ(list.size(), std::min(expected.size(), static_cast<size_t>(k)));
      for (size_t n = 0; n < list.size(); ++n) {
        EXPECT_EQ(list[n].index, expected[n].index) << "query " << i << ", neighbour " << n;
        EXPECT_EQ(list[n].score, expected[n].score);
        EXPECT_EQ(list[n].relevant, expected[n].relevant);
      }
    }
  }
}

TEST(Neighbours, EqualABruteForceSortForAnyTiles) {
  for (Similarity similarity : {Similarity::kCosine, Similarity::kL2})
    for (auto [query_tile, gallery_tile] :
         {std::pair<int64_t, int64_t>{1, 1}, {7, 13}, {64, 200}, {500, 3}}) {
      expect_exact(coarse_rows(1, 101, 3, 9), similarity, query_tile, gallery_tile, 6);
      expect_exact(clustered_rows(2, 101, 33, 9, 0.8), similarity, query_tile, gallery_tile, 40);
    }
}

TEST(Neighbours, OfListsThatDoNotFitTogetherComeOneQueryAtATime) {
  const LabelledRows rows = clustered_rows(6, 50, 17, 3, 0.5);
  expect_exact(rows, Similarity::kCosine, 16, 16, 20'000'000);
}

TEST(Neighbours, OfLongRowsFarFromTheOriginAreExactFromBothSides) {
  LabelledRows rows = clustered_rows(7, 150, 96, 5, 0.5);
  // Lengths from a tenth to ten: a tile's two sides have different bars.
  for (int64_t i = 0; i < rows.x_ND.size(0); ++i)
    rows.x_ND[i].mul_(std::pow(10.0, static_cast<double>(i % 21) / 10 - 1));
  expect_exact(rows, Similarity::kL2, 32, 64, 12);
  expect_exact(rows, Similarity::kCosine, 32, 64, 12);
}

TEST(Neighbours, AreExactWhereFloat32ProductsAreNot) {
  // Rows so near each other that float32 similarities cannot order them; scores are float64 sums and can.
  LabelledRows rows = clustered_rows(3, 200, 129, 1, 1e-4);
  for (size_t i = 0; i < rows.groups_N.size(); ++i) rows.groups_N[i] = static_cast<int64_t>(i % 10);
  expect_exact(rows, Similarity::kCosine, 32, 50, 5);
  rows.x_ND = rows.x_ND.add(100);  // and far from the origin, where squared distances cancel
  expect_exact(rows, Similarity::kL2, 32, 50, 5);
}

TEST(Neighbours, RankIrrelevantRowsFirstAmongTies) {
  const LabelledRows rows{at::ones({5, 2}), {7, 7, 8, 7, 9}};
  const ComparableRows ready(rows.x_ND, Similarity::kCosine);
  const auto found = nearest_neighbours({ready, rows.groups_N, ready, rows.groups_N, 0}, 10).front();
  std::vector<int64_t> order;
  for (const Neighbour& neighbour : found) order.push_back(neighbour.index);
  EXPECT_EQ(order, (std::vector<int64_t>{2, 4, 1, 3}));
}

TEST(Neighbours, ShareOfTheQueriesKeepsItsOwnSelf) {
  const LabelledRows rows = coarse_rows(4, 40, 4, 5);
  const ComparableRows whole(rows.x_ND, Similarity::kCosine);
  const ComparableRows part(rows.x_ND.narrow(0, 25, 15), Similarity::kCosine);
  const std::span<const int64_t> groups = rows.groups_N;
  const auto all = nearest_neighbours({whole, groups, whole, groups, 0}, 3);
  const auto share = nearest_neighbours({part, groups.subspan(25), whole, groups, 25}, 3);
  for (size_t i = 0; i < share.size(); ++i)
    for (size_t n = 0; n < 3; ++n) EXPECT_EQ(share[i][n].index, all[i + 25][n].index);
}

TEST(Neighbours, RefuseWhatDoesNotFit) {
  const LabelledRows rows = coarse_rows(5, 6, 4, 2);
  const ComparableRows ready(rows.x_ND, Similarity::kCosine);
  const ComparableRows narrow(rows.x_ND.narrow(1, 0, 3), Similarity::kCosine);
  const ComparableRows l2(rows.x_ND, Similarity::kL2);
  for (const ItemRange outside : {ItemRange{-1, 2}, {3, 2}, {0, ready.size() + 1}})
    EXPECT_THROW(nearest_neighbours({ready, rows.groups_N, ready, rows.groups_N, 0, outside}, 1), Error);
  EXPECT_THROW(nearest_neighbours({ready, rows.groups_N, narrow, rows.groups_N}, 1), Error);
  EXPECT_THROW(nearest_neighbours({ready, rows.groups_N, l2, rows.groups_N}, 1), Error);
  EXPECT_THROW(nearest_neighbours({ready, std::span(rows.groups_N).first(5), ready, rows.groups_N}, 1),
               Error);
}

TEST(ComparableRows, RefuseWhatIsNotFiniteAndKeepTheCallersRows) {
  at::Tensor x_ND = rows_of({{3, 4}, {0, 0}});
  const ComparableRows ready(x_ND, Similarity::kCosine);
  EXPECT_FLOAT_EQ(ready.row(0)[1], 0.8F);
  EXPECT_EQ(x_ND[0][1].item<float>(), 4.0F);
  EXPECT_EQ(score(ready, 0, ready, 1), 0.0);
  x_ND[1][0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(ComparableRows(x_ND, Similarity::kL2), Error);
  EXPECT_THROW(ComparableRows(x_ND[0], Similarity::kL2), Error);
}

TEST(ComparableRows, TurnScoresIntoDistances) {
  EXPECT_DOUBLE_EQ(distance_of_score(-1, Similarity::kCosine), 2);
  EXPECT_DOUBLE_EQ(distance_of_score(1 + 1e-9, Similarity::kCosine), 0);
  EXPECT_DOUBLE_EQ(distance_of_score(-9, Similarity::kL2), 3);
}

}  // namespace
}  // namespace lodestone
