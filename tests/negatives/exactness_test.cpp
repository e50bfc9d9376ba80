// The promise: however the global batch is divided among ranks, loss, gradients and tuples are those of one
// process.
#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/logical_and.h>

#include "support/problem.h"
#include "trainer/negatives/tiles/tile_walk.h"

namespace lodestone::testing {
using namespace distributed;
using namespace negatives;
namespace {

constexpr int64_t kRows = 23;
constexpr int64_t kWidth = 5;

void expect_equal(const Global& got, const OracleLoss& expected, double tolerance) {
  EXPECT_NEAR(got.loss, expected.loss, tolerance * expected.loss);
  EXPECT_LE(max_relative_error(got.gradient_BD.to(at::kDouble), expected.gradient_BD), tolerance);
  if (got.second_gradient_BD.defined()) {
    EXPECT_LE(max_relative_error(got.second_gradient_BD.to(at::kDouble), expected.second_gradient_BD),
              tolerance);
  }
  if (got.shard_gradient_nD.defined()) {
    EXPECT_LE(max_relative_error(got.shard_gradient_nD.to(at::kDouble), expected.shard_gradient_nD),
              tolerance);
  }
  ASSERT_EQ(got.parameter_gradients.size(), expected.parameter_gradients.size());
  for (size_t i = 0; i < got.parameter_gradients.size(); ++i)
    EXPECT_NEAR(got.parameter_gradients[i], expected.parameter_gradients[i],
                tolerance * std::max(1.0, std::abs(expected.parameter_gradients[i])))
        << "parameter " << i;
}

class Exactness : public ::testing::TestWithParam<Case> {};
class Promise : public ::testing::TestWithParam<Case> {};

TEST_P(Promise, EveryWorldEqualsOneProcessInFloat64) {
  const MadeCase made(GetParam());
  const Problem problem = problem_around(made, random_batch(kRows, kWidth, 11), 11);
  const OracleLoss oracle = oracle_loss(problem.rows, made.objective(), problem.input(made));
  ASSERT_GT(oracle.loss, 0);
  for (const int world : {1, 2, 3, 4, 7})
    for (const auto& shares : ways_to_share(kRows, world)) {
      SCOPED_TRACE(world);
      const Global got = run_world(problem, shares, made);
      expect_equal(got, oracle, 1e-12);
      if (got.tuples_t3.defined()) {
        EXPECT_TRUE(at::equal(got.tuples_t3, tuples_of(oracle.tuples)));
      }
    }
}

TEST_P(Exactness, Float32IsCloseToFloat64) {
  const MadeCase made(GetParam());
  // A tiny temperature divides float32's own rounding of the similarities.
  const double scale = std::max(1.0, std::abs(made.loss->affine().scale) / 100);
  const Problem problem = problem_around(made, random_batch(kRows, kWidth, 12), 12);
  const OracleLoss oracle = oracle_loss(problem.rows, made.objective(), problem.input(made));
  const Global got = run_world(to_type(problem, at::kFloat), ways_to_share(kRows, 3)[1], made);
  expect_equal(got, oracle, 1e-5 * scale);
}

TEST_P(Exactness, PermutingTheBatchChangesNothing) {
  const MadeCase made(GetParam());
  LocalRows rows = random_batch(kRows, kWidth, 13);
  // References of one sample draw the same random number; ties go to the lowest index: samples that differ
  // have none.
  rows.id_b = at::arange(kRows);
  const Problem problem = problem_around(made, rows, 13);
  const at::Tensor order = integers(Random(5, Purpose::kShuffle).permutation(kRows));
  const auto permuted = [&](const at::Tensor& x) { return x.index_select(0, order); };
  const auto permuted_rows = [&](const LocalRows& x) {
    return LocalRows{permuted(x.z_bD), permuted(x.label_b), permuted(x.group_b), permuted(x.id_b)};
  };
  Problem shuffled{permuted_rows(problem.rows), {}, problem.shard};
  if (problem.second) shuffled.second = permuted_rows(*problem.second);
  const Global plain = run_world(problem, {kRows}, made), other = run_world(shuffled, {kRows}, made);
  EXPECT_NEAR(other.loss, plain.loss, 1e-12 * plain.loss);
  EXPECT_LE(max_relative_error(other.gradient_BD, permuted(plain.gradient_BD)), 1e-12);
}

TEST_P(Exactness, ManyTilesAndAnUnevenLastOne) {
  const MadeCase made(GetParam());
  // Larger than a tile in both directions, and no multiple of it.
  const int64_t rows = tile_side(at::TensorOptions().dtype(at::kDouble)) + 37;
  const Problem problem = problem_around(made, random_batch(rows, 3, 14), 14);
  const Global one = run_world(problem, {rows}, made),
               two = run_world(problem, {rows / 3, rows - rows / 3}, made);
  EXPECT_NEAR(two.loss, one.loss, 1e-12 * one.loss);
  EXPECT_LE(max_relative_error(two.gradient_BD, one.gradient_BD), 1e-11);
  at::set_num_threads(2);
  const Global parallel = run_world(problem, {rows}, made);
  at::set_num_threads(1);
  EXPECT_NEAR(parallel.loss, one.loss, 1e-12 * one.loss);
  EXPECT_LE(max_relative_error(parallel.gradient_BD, one.gradient_BD), 1e-11);
}

INSTANTIATE_TEST_SUITE_P(All, Promise, ::testing::ValuesIn(all_cases(Range::kAll)));
INSTANTIATE_TEST_SUITE_P(All, Exactness, ::testing::ValuesIn(all_cases()));

// Explicit tuples: given to the rank that holds the anchor.
TEST(ExplicitTuples, PairsAndTripletsEqualOneProcess) {
  const LocalRows batch = random_batch(kRows, kWidth, 15);
  for (const bool triplets : {false, true}) {
    Random random(3, Purpose::kSampler);
    std::vector<int64_t> anchor, positive, negative;
    for (int i = 0; i < 40; ++i) {
      anchor.push_back(static_cast<int64_t>(random.below(kRows)));
      const auto other = [&] {
        return (anchor.back() + 1 + static_cast<int64_t>(random.below(kRows - 1))) % kRows;
      };
      positive.push_back(triplets || i % 2 ? other() : -1);
      negative.push_back(triplets || i % 2 == 0 ? other() : -1);
    }
    const Tuples all{integers(anchor), integers(positive), integers(negative)};
    const MadeCase made(Case{triplets ? "triplet" : "contrastive", triplets ? "margin: 0.7" : "", "all"});
    StepInput whole;
    whole.tuples = all;
    const OracleLoss oracle = oracle_loss(batch, made.objective(), whole);
    for (const int world : {1, 2, 3}) {
      for (const auto& shares : ways_to_share(kRows, world)) {
        std::vector<StepLoss> steps(shares.size());
        run_ranks(world, [&](const Group& group) {
          int64_t begin = 0;
          const auto rank = static_cast<size_t>(group.rank());
          for (size_t r = 0; r < rank; ++r) begin += shares[r];
          const at::Tensor mine = at::logical_and(all.anchor_t >= begin, all.anchor_t < begin + shares[rank]);
          StepInput own;
          own.tuples =
              Tuples{all.anchor_t.index({mine}), all.positive_t.index({mine}), all.negative_t.index({mine})};
          steps[rank] = global_batch_loss(group, share(batch, begin, shares[rank]), made.objective(), own);
        });
        std::vector<at::Tensor> gradients;
        for (const auto& step : steps) gradients.push_back(step.gradient_bD);
        EXPECT_NEAR(steps[0].loss, oracle.loss, 1e-12 * oracle.loss);
        EXPECT_LE(max_relative_error(at::cat(gradients), oracle.gradient_BD), 1e-12);
      }
    }
  }
}

}  // namespace
}  // namespace lodestone::testing
