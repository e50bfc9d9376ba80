#include "distributed/reductions/row_shards.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/ranks.h"

namespace lodestone::testing {
using namespace distributed;
namespace {

// 3 MiB a row: eleven are more than one piece.
constexpr int64_t kRows = 23, kWide = int64_t{3} << 18;

struct Shares {
  std::vector<int64_t> counts;
  int64_t width;
};

const std::vector<Shares> kShares = {
    {{23}, 5},          {{0, 23}, 5},     {{23, 0}, 5},        {{8, 8, 7}, 0},
    {{0, 20, 0, 3}, 5}, {{8, 15}, kWide}, {{1, 9, 13}, kWide}, {{3, 3, 3, 3, 3, 3, 3, 2}, kWide},
    {{0, 0, 23}, kWide}};

at::Tensor whole(int64_t width) {
  return at::arange(kRows * width, at::kFloat).reshape({kRows, width});
}

int64_t first_of(const std::vector<int64_t>& counts, int rank) {
  int64_t first = 0;
  for (int r = 0; r < rank; ++r) first += counts[static_cast<size_t>(r)];
  return first;
}

TEST(RowShards, AreGatheredOnRankZeroAlone) {
  for (const auto& [counts, width] : kShares)
    run_ranks(static_cast<int>(counts.size()), [&, &counts = counts, width = width](const Group& group) {
      const at::Tensor own =
          whole(width).narrow(0, first_of(counts, group.rank()), counts[static_cast<size_t>(group.rank())]);
      const at::Tensor all = gather_rows(group, own);
      EXPECT_EQ(all.defined(), group.rank() == 0);
      if (group.rank() == 0) {
        EXPECT_TRUE(at::equal(all, whole(width))) << counts.size() << " ranks, width " << width;
      }
    });
}

TEST(RowShards, AreTakenFromRankZeroWhichAloneHasThem) {
  for (const auto& [counts, width] : kShares)
    run_ranks(static_cast<int>(counts.size()), [&, &counts = counts, width = width](const Group& group) {
      const at::Tensor stand_in = at::zeros({1, 1}).expand({kRows, width});
      const int64_t first = first_of(counts, group.rank()), count = counts[static_cast<size_t>(group.rank())];
      at::Tensor own = at::full({count, width}, -1.0);
      scatter_rows(group, group.rank() == 0 ? whole(width) : stand_in, own, first);
      EXPECT_TRUE(at::equal(own, whole(width).narrow(0, first, count)))
          << counts.size() << " ranks, width " << width;
    });
}

// 32 MiB a piece: ten rows of kWide to take, five of each of two ranks to gather.
TEST(RowShards, TravelInPieces) {
  run_ranks(2, [](const Group& group) {
    const int64_t count = group.rank() == 0 ? 8 : 15;
    at::Tensor own = at::zeros({count, kWide});
    const Traffic before = group.traffic();
    gather_rows(group, own);
    const Traffic gathered = group.traffic();
    EXPECT_EQ(gathered.all_gather.calls - before.all_gather.calls, 1 + 3);  // counts, pieces
    const at::Tensor stand_in = at::zeros({1, 1}).expand({kRows, kWide});
    scatter_rows(group, group.rank() == 0 ? at::zeros({kRows, kWide}) : stand_in, own, 0);
    EXPECT_EQ(group.traffic().broadcast.calls - gathered.broadcast.calls, 3);
  });
}

TEST(RowShards, MayOverlapAndChangeTheirType) {
  run_ranks(3, [](const Group& group) {
    const at::Tensor stand_in = at::zeros({1}).expand({kRows});
    at::Tensor own = at::zeros({kRows}, at::kDouble);
    scatter_rows(group, group.rank() == 0 ? at::arange(kRows, at::kFloat) : stand_in, own, 0);
    EXPECT_TRUE(at::equal(own, at::arange(kRows, at::kDouble)));
  });
}

}  // namespace
}  // namespace lodestone::testing
