// Scans of tiles against plain loops, over shapes that do and don't fill vectors, with ties, infinities and
// empty rows.
#include "trainer/negatives/kernels/tile_search.h"

#include <limits>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "common/rng.h"

namespace lodestone::testing {
using namespace negatives;
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kBefore = 3;  // rows of the table before the tile's

// Multiples of 1/8 below 2, so that both types hold them and many are equal; some are +inf.
at::Tensor tile_of(int64_t rows, int64_t references, Random& random) {
  at::Tensor tile = at::empty({rows, references}, at::kDouble);
  for (int64_t i = 0; i < tile.numel(); ++i)
    tile.mutable_data_ptr<double>()[i] =
        random.below(6) == 0 ? kInfinity : static_cast<double>(random.below(16)) / 8;
  return tile;
}

at::Tensor table_of(int64_t slots, int64_t rows, Random& random) {
  return tile_of(slots, rows + kBefore, random).clamp_max_(1.25) - 0.0625;
}

double at_place(const at::Tensor& x, int64_t i, int64_t j) {
  return x[i][j].item<double>();
}

struct Shape {
  int64_t rows, references;
};

class TileSearch : public ::testing::TestWithParam<Shape> {
 protected:
  template <typename Check>
  void for_each_end(Check check) {
    const auto [rows, references] = GetParam();
    Random random(static_cast<uint64_t>(rows * 1000 + references), Purpose::kTrials);
    for (const at::ScalarType type : {at::kFloat, at::kDouble})
      for (const End end : {End::kRow, End::kReference}) {
        const at::Tensor tile = tile_of(rows, references, random);
        // Rows that look along dimension 1.
        check(tile.to(type), end, end == End::kRow ? tile : at::Tensor(tile.t()), random);
      }
  }
};

TEST_P(TileSearch, FindsTheNearestBeyondABoundAndTheLowestNumberOfEquals) {
  for_each_end([](const at::Tensor& tile, End end, const at::Tensor& seen_rc, Random& random) {
    const int64_t rows = seen_rc.size(0), references = seen_rc.size(1);
    const at::Tensor bound_Sn = table_of(2, rows, random);
    NearestReferences best(2, rows + kBefore, tile.options());
    for (int64_t slot = 0; slot < 2; ++slot)
      // The second tile has lower numbers and the same values: it wins every tie.
      for (const int64_t first_reference : {1000, 100})
        best.offer(slot, tile, end, kBefore, bound_Sn.to(tile.scalar_type()), first_reference);
    for (int64_t slot = 0; slot < 2; ++slot)
      for (int64_t r = 0; r < rows; ++r) {
        double nearest = kInfinity;
        int64_t number = -1;
        for (int64_t c = 0; c < references; ++c) {
          const double value = at_place(seen_rc, r, c);
          if (value <= at_place(bound_Sn, slot, kBefore + r) || value >= nearest) continue;
          nearest = value;
          number = 100 + c;
        }
        EXPECT_EQ(at_place(best.value_Sn, slot, kBefore + r), nearest);
        EXPECT_EQ(best.reference_Sn[slot][kBefore + r].item<int64_t>(), number);
      }
    EXPECT_TRUE((best.reference_Sn.narrow(1, 0, kBefore) == -1).all().item<bool>());
  });
}

TEST_P(TileSearch, CountsValuesBelowThresholdsAndTheirCosts) {
  for_each_end([](const at::Tensor& tile, End end, const at::Tensor& seen_rc, Random& random) {
    const int64_t rows = seen_rc.size(0), references = seen_rc.size(1);
    at::Tensor threshold_Pn = table_of(3, rows, random);
    for (int64_t r = 0; r < rows; ++r) threshold_Pn[2][kBefore + r] = r % 2 ? 1.0 : -kInfinity;
    for (int64_t r = 0; r < rows; r += 5) threshold_Pn.select(1, kBefore + r).fill_(-kInfinity);
    const at::Tensor count_Pn = at::full({3, rows + kBefore}, 2.0, at::kDouble),
                     cost_n = at::full({rows + kBefore}, 5.0, at::kDouble);
    count_below(tile, end, kBefore, threshold_Pn.to(tile.scalar_type()), count_Pn, cost_n);
    for (int64_t r = 0; r < rows; ++r) {
      double cost = 5;
      for (int64_t p = 0; p < 3; ++p) {
        double count = 2;
        for (int64_t c = 0; c < references; ++c) {
          const double x = at_place(threshold_Pn, p, kBefore + r) - at_place(seen_rc, r, c);
          count += x > 0;
          cost += std::max(x, 0.0);
        }
        EXPECT_EQ(at_place(count_Pn, p, kBefore + r), count);
      }
      EXPECT_NEAR(cost_n[kBefore + r].item<double>(), cost, 1e-5 * cost);
    }
    EXPECT_TRUE((count_Pn.narrow(1, 0, kBefore) == 2).all().item<bool>());
  });
}

TEST_P(TileSearch, WeighsPairsFromBothEnds) {
  for_each_end([](const at::Tensor& tile, End end, const at::Tensor&, Random& random) {
    const int64_t rows = tile.size(0), references = tile.size(1);
    at::Tensor row_Pn = table_of(2, rows, random), reference_Pn = table_of(2, references, random);
    row_Pn[1].fill_(-kInfinity);
    const bool both = end == End::kReference;
    at::Tensor weight_rc = at::empty({rows, references}, tile.options());
    weigh_below(tile, kBefore, row_Pn.to(tile.scalar_type()), kBefore,
                both ? reference_Pn.to(tile.scalar_type()) : at::Tensor(), -0.5, weight_rc);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < references; ++c) {
        double above = 0;
        for (int64_t p = 0; p < 2; ++p) {
          above += at_place(row_Pn, p, kBefore + r) > at_place(tile, r, c);
          above += both && at_place(reference_Pn, p, kBefore + c) > at_place(tile, r, c);
        }
        EXPECT_EQ(at_place(weight_rc, r, c), -0.5 * above);
      }
  });
}

INSTANTIATE_TEST_SUITE_P(Shapes, TileSearch,
                         ::testing::Values(Shape{1, 1}, Shape{5, 31}, Shape{32, 32}, Shape{33, 64},
                                           Shape{64, 33}, Shape{7, 97}));

}  // namespace
}  // namespace lodestone::testing
