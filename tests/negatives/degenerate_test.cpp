// Batches on which others give NaN: every loss and miner must stay finite and right.
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "support/problem.h"
#include "trainer/negatives/tiles/pair_masks.h"

namespace lodestone::testing {
using namespace distributed;
using namespace negatives;
namespace {

class Degenerate : public ::testing::TestWithParam<Case> {
 protected:
  // Finite, the same on 1 and 3 ranks, and equal to the reference.
  void check(const LocalRows& batch, bool differentiable = true) {
    const MadeCase made(GetParam());
    const int64_t rows = batch.z_bD.size(0);
    const Problem problem = problem_around(made, batch, 8);
    const Global one = run_world(problem, {rows}, made);
    EXPECT_TRUE(std::isfinite(one.loss));
    EXPECT_TRUE(rows == 0 || one.gradient_BD.isfinite().all().item<bool>());
    if (rows > 0 && differentiable) {
      const OracleLoss oracle = oracle_loss(batch, made.objective(), problem.input(made));
      EXPECT_NEAR(one.loss, oracle.loss, 1e-12 * std::max(1.0, oracle.loss));
      const double scale = std::max(1.0, made.loss->affine().scale);
      EXPECT_LE((one.gradient_BD - oracle.gradient_BD).abs().max().item<double>(), 1e-11 * scale);
    }
    const Global three = run_world(problem, {0, rows, 0}, made);
    if (differentiable) {
      EXPECT_NEAR(three.loss, one.loss, 1e-12 * std::max(1.0, one.loss));
    }
    EXPECT_EQ(three.gradient_BD.size(0), rows);
  }
  // A row of zeros is at distance 1 from rows of unit length: exactly where the default margins of these are,
  // and a tie for swap, so that either side of the kink is right.
  static bool has_kink_at_one() {
    const Case& c = GetParam();
    return ((c.loss == "contrastive" || c.loss == "margin") && c.settings.empty()) ||
           c.settings.find("swap") != std::string::npos;
  }
  // All rows are as far from a row of zeros: of negatives beyond the positive, any is right.
  static bool picks_beyond() {
    return GetParam().miner == "semi_hard" || GetParam().miner == "easy_positive";
  }
  // Classes 0 and 1 look alike, as in random_batch, which a memory is filled from.
  static LocalRows labelled(const at::Tensor& z, const std::vector<int64_t>& labels) {
    std::vector<int64_t> ids(labels.size());
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int64_t>(i);
    std::vector<int64_t> groups = labels;
    for (int64_t& group : groups) group = group == 1 ? 0 : group;
    return {z, integers(labels), integers(groups), integers(ids)};
  }
};

TEST_P(Degenerate, NoRows) {
  check(labelled(at::zeros({0, 4}, at::kDouble), {}));
}
TEST_P(Degenerate, OneRow) {
  check(labelled(random_rows(1, 4, 1), {0}));
}
TEST_P(Degenerate, OneClass) {
  check(labelled(random_rows(5, 4, 2), {3, 3, 3, 3, 3}));
}
TEST_P(Degenerate, NoPositives) {
  check(labelled(random_rows(5, 4, 3), {0, 1, 2, 3, 4}));
}
TEST_P(Degenerate, AllRowsEqual) {
  check(labelled(at::ones({6, 4}, at::kDouble), {0, 0, 2, 2, 3, 3}));
}
TEST_P(Degenerate, AllRowsZero) {
  check(labelled(at::zeros({6, 4}, at::kDouble), {0, 0, 2, 2, 3, 3}),
        !((GetParam().memory || GetParam().keys) && (has_kink_at_one() || picks_beyond())));
}
TEST_P(Degenerate, OneZeroRow) {
  const at::Tensor z = random_rows(6, 4, 4);
  z[2].zero_();
  check(labelled(z, {0, 0, 2, 2, 3, 3}), !has_kink_at_one() && !picks_beyond());
}
TEST_P(Degenerate, ClassesFarApart) {
  // Every negative is beyond every margin: nothing is active.
  at::Tensor z = at::zeros({4, 4}, at::kDouble);
  z.slice(0, 0, 2).select(1, 0).fill_(1);
  z.slice(0, 2, 4).select(1, 0).fill_(-1);
  check(labelled(z, {0, 0, 2, 2}));
}

INSTANTIATE_TEST_SUITE_P(All, Degenerate, ::testing::ValuesIn(all_cases()));

TEST(PairMasks, LookAlikesAndRepeatedSamplesAreNeverNegatives) {
  // Rows 0 and 1 are of two classes that look alike, row 3 shows the same sample as row 0 under another
  // label.
  const LocalRows batch{random_rows(4, 3, 5), integers({0, 1, 0, 2}), integers({7, 7, 7, 8}),
                        integers({10, 11, 12, 10})};
  const RowSet rows = gather_row_set(single_group(), batch, true);
  const Part all{&rows, 0, 4, rows.u_nD};
  const PairMasks masks(all, all, false);
  const auto text = [](const PairList& pairs) {
    std::string out = "................";
    for (int64_t p = 0; p < pairs.size(); ++p)
      out[static_cast<size_t>(4 * pairs.row_p[p].item<int64_t>() + pairs.reference_p[p].item<int64_t>())] =
          '1';
    return out;
  };
  EXPECT_EQ(text(masks.positives(0, 4)),
            "..1."
            "...."
            "1..."
            "....");
  // Of a tile: rows 0 to 3 against references 1 to 3.
  std::vector<int64_t> flat;
  masks.add_excluded(0, 4, 1, 3, flat);
  std::string excluded(12, '.');
  for (const int64_t place : flat) excluded[static_cast<size_t>(place)] = '1';
  EXPECT_EQ(excluded,
            "111"
            "11."
            "11."
            "..1");
  EXPECT_TRUE(at::equal(masks.counts().same_sample_r, integers({1, 0, 0, 1})));
  EXPECT_TRUE(at::equal(masks.counts().excluded_r, integers({4, 3, 3, 2})));
}

}  // namespace
}  // namespace lodestone::testing
