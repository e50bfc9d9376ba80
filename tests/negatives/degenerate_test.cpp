// Batches on which others give NaN: every loss and miner must stay finite and right.
#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "support/batches.h"
#include "support/objectives.h"
#include "support/ranks.h"
#include "trainer/negatives/reference.h"

namespace lodestone::testing {
namespace {

class Degenerate : public ::testing::TestWithParam<Case> {
 protected:
  // Finite, the same on 1 and 3 ranks, and equal to the reference.
  void check(const LocalRows& batch) {
    const MadeCase made(GetParam());
    const int64_t rows = batch.z_bD.size(0);
    const StepLoss one = global_batch_loss(single_group(), batch, made.objective());
    EXPECT_TRUE(std::isfinite(one.loss));
    EXPECT_TRUE(rows == 0 || one.gradient_bD.isfinite().all().item<bool>());
    if (rows > 0) {
      const ReferenceLoss reference = reference_loss(batch, made.objective());
      EXPECT_NEAR(one.loss, reference.loss, 1e-12 * std::max(1.0, reference.loss));
      EXPECT_LE((one.gradient_bD - reference.gradient_BD).abs().max().item<double>(), 1e-11);
    }
    run_ranks(3, [&](const Group& group) {
      const bool mine = group.rank() == 1;
      const StepLoss step = global_batch_loss(group, share(batch, 0, mine ? rows : 0), made.objective());
      EXPECT_EQ(step.loss, one.loss);
      EXPECT_EQ(step.gradient_bD.size(0), mine ? rows : 0);
    });
  }
  static LocalRows labelled(const at::Tensor& z, const std::vector<int64_t>& labels) {
    std::vector<int64_t> ids(labels.size());
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int64_t>(i);
    return {z, integers(labels), integers(labels), integers(ids)};
  }
};

TEST_P(Degenerate, NoRows) { check(labelled(at::zeros({0, 4}, at::kDouble), {})); }
TEST_P(Degenerate, OneRow) { check(labelled(random_rows(1, 4, 1), {0})); }
TEST_P(Degenerate, OneClass) { check(labelled(random_rows(5, 4, 2), {3, 3, 3, 3, 3})); }
TEST_P(Degenerate, NoPositives) { check(labelled(random_rows(5, 4, 3), {0, 1, 2, 3, 4})); }
TEST_P(Degenerate, AllRowsEqual) { check(labelled(at::ones({6, 4}, at::kDouble), {0, 0, 1, 1, 2, 2})); }
TEST_P(Degenerate, AllRowsZero) { check(labelled(at::zeros({6, 4}, at::kDouble), {0, 0, 1, 1, 2, 2})); }
TEST_P(Degenerate, OneZeroRow) {
  const at::Tensor z = random_rows(6, 4, 4);
  z[2].zero_();
  check(labelled(z, {0, 0, 1, 1, 2, 2}));
}
TEST_P(Degenerate, ClassesFarApart) {
  // Every negative is beyond every margin: nothing is active.
  at::Tensor z = at::zeros({4, 4}, at::kDouble);
  z.slice(0, 0, 2).select(1, 0).fill_(1);
  z.slice(0, 2, 4).select(1, 0).fill_(-1);
  check(labelled(z, {0, 0, 1, 1}));
}

INSTANTIATE_TEST_SUITE_P(All, Degenerate, ::testing::ValuesIn(all_cases()));

TEST(Masks, LookAlikesAndRepeatedSamplesAreNeverNegatives) {
  // Rows 0 and 1 are of two classes that look alike, row 3 shows the same sample as row 0 under another label.
  const LocalRows batch{random_rows(4, 3, 5), integers({0, 1, 0, 2}), integers({7, 7, 7, 8}), integers({10, 11, 12, 10})};
  const GlobalRows rows(single_group(), batch, true);
  const Tile tile = rows.masks(0, 4, 0, 4);
  const auto text = [](const at::Tensor& mask) {
    std::string out;
    for (int64_t i = 0; i < mask.numel(); ++i) out += mask.reshape(-1)[i].item<bool>() ? '1' : '.';
    return out;
  };
  EXPECT_EQ(text(tile.positive_rc), "..1."
                                    "...."
                                    "1..."
                                    "....");
  EXPECT_EQ(text(tile.negative_rc), "...."
                                    "...1"
                                    "...1"
                                    ".11.");
  EXPECT_EQ(rows.max_positives, 1);
}

}  // namespace
}  // namespace lodestone::testing
