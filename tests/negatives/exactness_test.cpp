// The promise: however the global batch is shared out over ranks, loss, gradients and tuples are those of one process.
#include <gtest/gtest.h>

#include <mutex>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/stack.h>

#include "support/batches.h"
#include "support/objectives.h"
#include "support/ranks.h"
#include "trainer/negatives/reference.h"

namespace lodestone::testing {
namespace {

constexpr int64_t kRows = 23;
constexpr int64_t kWidth = 5;

at::Tensor tuples_of(const Tuples& t) { return at::stack({t.anchor_t, t.positive_t, t.negative_t}, 1); }

struct Global {
  double loss = 0;
  at::Tensor gradient_BD;
  at::Tensor tuples_t3;
};

// What the ranks of one world get, put together in rank order.
Global run_world(const LocalRows& batch, const std::vector<int64_t>& shares, const Objective& objective) {
  const int world = static_cast<int>(shares.size());
  std::vector<StepLoss> steps(shares.size());
  run_ranks(world, [&](const Group& group) {
    int64_t begin = 0;
    for (int r = 0; r < group.rank(); ++r) begin += shares[static_cast<size_t>(r)];
    const auto rank = static_cast<size_t>(group.rank());
    steps[rank] = global_batch_loss(group, share(batch, begin, shares[rank]), objective);
  });
  Global result{steps[0].loss, {}, {}};
  std::vector<at::Tensor> gradients, tuples;
  for (const auto& step : steps) {
    EXPECT_EQ(step.loss, result.loss) << "ranks disagree on the loss";
    gradients.push_back(step.gradient_bD);
    if (step.tuples.anchor_t.defined()) tuples.push_back(tuples_of(step.tuples));
  }
  result.gradient_BD = at::cat(gradients);
  if (!tuples.empty()) result.tuples_t3 = at::cat(tuples);
  return result;
}

class Exactness : public ::testing::TestWithParam<Case> {};

TEST_P(Exactness, EveryWorldEqualsOneProcessInFloat64) {
  const MadeCase made(GetParam());
  const LocalRows batch = random_batch(kRows, kWidth, 11);
  const ReferenceLoss reference = reference_loss(batch, made.objective());
  ASSERT_GT(reference.loss, 0);
  for (const int world : {1, 2, 3, 4, 7})
    for (const auto& shares : ways_to_share(kRows, world)) {
      const Global got = run_world(batch, shares, made.objective());
      EXPECT_NEAR(got.loss, reference.loss, 1e-12 * reference.loss) << world;
      EXPECT_LE(max_relative_error(got.gradient_BD, reference.gradient_BD), 1e-12) << world;
      if (got.tuples_t3.defined()) {
        EXPECT_TRUE(at::equal(got.tuples_t3, tuples_of(reference.tuples))) << world;
      }
    }
}

TEST_P(Exactness, Float32IsCloseToFloat64) {
  const MadeCase made(GetParam());
  LocalRows batch = random_batch(kRows, kWidth, 12);
  const ReferenceLoss reference = reference_loss(batch, made.objective());
  batch.z_bD = batch.z_bD.to(at::kFloat);
  const Global got = run_world(batch, ways_to_share(kRows, 3)[1], made.objective());
  EXPECT_NEAR(got.loss, reference.loss, 1e-5 * reference.loss);
  EXPECT_LE(max_relative_error(got.gradient_BD.to(at::kDouble), reference.gradient_BD), 1e-5);
}

TEST_P(Exactness, PermutingTheBatchChangesNothing) {
  const MadeCase made(GetParam());
  const LocalRows batch = random_batch(kRows, kWidth, 13);
  const at::Tensor order = integers(Random(5, Purpose::kShuffle).permutation(kRows));
  const auto permuted = [&](const at::Tensor& x) { return x.index_select(0, order); };
  const LocalRows shuffled{permuted(batch.z_bD), permuted(batch.label_b), permuted(batch.group_b), permuted(batch.id_b)};
  const Global plain = run_world(batch, {kRows}, made.objective());
  const Global other = run_world(shuffled, {kRows}, made.objective());
  EXPECT_NEAR(other.loss, plain.loss, 1e-12 * plain.loss);
  EXPECT_LE(max_relative_error(other.gradient_BD, permuted(plain.gradient_BD)), 1e-12);
}

TEST_P(Exactness, ManyTilesAndAnUnevenLastOne) {
  const MadeCase made(GetParam());
  // Larger than a tile in both directions, and no multiple of it.
  const LocalRows batch = random_batch(kTileColumns + 37, 3, 14);
  const Global one = run_world(batch, {batch.z_bD.size(0)}, made.objective());
  const Global two = run_world(batch, {700, batch.z_bD.size(0) - 700}, made.objective());
  EXPECT_NEAR(two.loss, one.loss, 1e-12 * one.loss);
  EXPECT_LE(max_relative_error(two.gradient_BD, one.gradient_BD), 1e-11);
}

INSTANTIATE_TEST_SUITE_P(All, Exactness, ::testing::ValuesIn(all_cases()));

// Explicit tuples: given to the rank that holds the anchor.
TEST(ExplicitTuples, PairsAndTripletsEqualOneProcess) {
  const LocalRows batch = random_batch(kRows, kWidth, 15);
  for (const bool triplets : {false, true}) {
    Random random(3, Purpose::kSampler);
    std::vector<int64_t> anchor, positive, negative;
    for (int i = 0; i < 40; ++i) {
      anchor.push_back(static_cast<int64_t>(random.below(kRows)));
      const auto other = [&] { return (anchor.back() + 1 + static_cast<int64_t>(random.below(kRows - 1))) % kRows; };
      positive.push_back(triplets || i % 2 ? other() : -1);
      negative.push_back(triplets || i % 2 == 0 ? other() : -1);
    }
    const Tuples all{integers(anchor), integers(positive), integers(negative)};
    const MadeCase made(Case{triplets ? "triplet" : "contrastive", triplets ? "margin: 0.7" : "", "all"});
    const ReferenceLoss reference = reference_loss(batch, made.objective(), all);
    for (const int world : {1, 2, 3}) {
      for (const auto& shares : ways_to_share(kRows, world)) {
        std::vector<StepLoss> steps(shares.size());
        run_ranks(world, [&](const Group& group) {
          int64_t begin = 0;
          const auto rank = static_cast<size_t>(group.rank());
          for (size_t r = 0; r < rank; ++r) begin += shares[r];
          const at::Tensor mine = at::logical_and(all.anchor_t >= begin, all.anchor_t < begin + shares[rank]);
          const Tuples own{all.anchor_t.index({mine}), all.positive_t.index({mine}), all.negative_t.index({mine})};
          steps[rank] = global_batch_loss(group, share(batch, begin, shares[rank]), made.objective(), own);
        });
        std::vector<at::Tensor> gradients;
        for (const auto& step : steps) gradients.push_back(step.gradient_bD);
        EXPECT_NEAR(steps[0].loss, reference.loss, 1e-12 * reference.loss);
        EXPECT_LE(max_relative_error(at::cat(gradients), reference.gradient_BD), 1e-12);
      }
    }
  }
}

}  // namespace
}  // namespace lodestone::testing
