#include "distributed/reductions/ordered_sum.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "support/ranks.h"

namespace lodestone::testing {
using namespace distributed;
namespace {

// Numbers whose sums are rounded, each way another.
at::Tensor part(int64_t number, int64_t n) {
  return at::sin(at::arange(n, at::kFloat) * 1.7 + static_cast<double>(number * number)) *
         std::pow(3.0, number % 5);
}

/// The sum on the last rank, each rank adding as many parts as `counts` says.
at::Tensor sum_of(const std::vector<int64_t>& counts, int64_t n) {
  at::Tensor result;
  run_ranks(static_cast<int>(counts.size()), [&](const Group& group) {
    OrderedSum sum(group, counts[static_cast<size_t>(group.rank())]);
    for (int twice = 0; twice < 2; ++twice) {
      for (int64_t i = 0; i < sum.count(); ++i) sum.add(part(sum.first() + i, n));
      const at::Tensor total = sum.total(at::empty({n}));
      if (group.rank() + 1 == group.size()) result = total;
    }
  });
  return result;
}

TEST(OrderedSum, HasTheSameBitsHoweverPartsAreSharedOut) {
  constexpr int64_t n = 1000;
  for (const auto& ways : std::vector<std::vector<std::vector<int64_t>>>{
           {{8}, {4, 4}, {3, 3, 2}, {1, 7}, {0, 5, 3}, {1, 1, 1, 1, 1, 1, 1, 1}},
           {{11}, {6, 5}, {1, 10}, {4, 4, 3}, {2, 3, 6, 0}}}) {
    const at::Tensor alone = sum_of(ways[0], n);
    for (const auto& counts : ways)
      EXPECT_TRUE(at::equal(sum_of(counts, n), alone)) << counts.size() << " ranks";
    at::Tensor exact = at::zeros({n}, at::kDouble);
    for (int64_t i = 0; i < ways[0][0]; ++i) exact += part(i, n);
    EXPECT_LE((alone - exact).abs().max().item<double>(), 1e-4);
  }
}

// The tree of eight: ((0 1) (2 3)) ((4 5) (6 7)).
TEST(OrderedSum, AddsNeighboursFirst) {
  const auto x = [](int64_t i) { return part(i, 100); };
  const at::Tensor by_hand = ((x(0) + x(1)) + (x(2) + x(3))) + ((x(4) + x(5)) + (x(6) + x(7)));
  EXPECT_TRUE(at::equal(sum_of({3, 5}, 100), by_hand));
}

TEST(OrderedSum, TakesMoreThanOnePieceAndNothing) {
  constexpr int64_t kLong = (int64_t{1} << 20) + 77;
  EXPECT_TRUE(at::equal(sum_of({1, 2}, kLong), sum_of({3}, kLong)));
  EXPECT_TRUE(at::equal(sum_of({0, 0}, 3), at::zeros({3})));
  EXPECT_EQ(sum_of({2, 1}, 0).numel(), 0);
}

TEST(OrderedSum, APartThatIsMissingIsAnError) {
  OrderedSum sum(single_group(), 2);
  sum.add(at::ones({2}));
  EXPECT_THROW(sum.total(at::empty({2})), Error);
}

}  // namespace
}  // namespace lodestone::testing
