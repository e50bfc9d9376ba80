// Memory grows with the rows, never with their pairs.
#include "common/peak_memory.h"
#include "support/problem.h"

namespace lodestone::testing {
namespace {

constexpr int64_t kRows = 8192, kWidth = 32;

class Memory : public ::testing::TestWithParam<Case> {};

TEST_P(Memory, StaysBelowFourTimesTheRowsAndSomeTiles) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers take memory of their own";
#endif
  const MadeCase made(GetParam());
  const auto problem_of = [&](int64_t rows) {
    return to_type(problem_around(made, random_batch(rows, kWidth, 1), 1), at::kFloat);
  };
  const Problem small = problem_of(600), large = problem_of(kRows);
  const auto step = [&](const Problem& problem) {
    return global_batch_loss(single_group(), problem.rows, made.objective(), problem.input(made));
  };
  step(small);  // loads what loads late
  const PeakMemory memory;
  const StepLoss got = step(large);
  EXPECT_GT(got.loss, 0);
  const double mib = 1 << 20, pairs = static_cast<double>(kRows * kRows);
  const double bound = 4.0 * (2 * kRows * kWidth) * 4 / mib + 64;
  EXPECT_LT(bound, pairs * 4 / mib / 2) << "the bound must not allow for half of all pairs";
  EXPECT_LE(memory.extra_mib(), bound);
}

// Only a part of so many tiles is kept from the first pass for the second, and on two ranks it is another
// part.
TEST_P(Memory, TilesFormedAgainGiveTheSameGradient) {
  const MadeCase made(GetParam());
  constexpr int64_t kMany = 5000;
  const Problem problem = to_type(problem_around(made, random_batch(kMany, kWidth, 2), 2), at::kFloat);
  const Global one = run_world(problem, {kMany}, made), two = run_world(problem, {kMany - 1000, 1000}, made);
  EXPECT_NEAR(two.loss, one.loss, 1e-5 * one.loss);
  EXPECT_LE(max_relative_error(two.gradient_BD, one.gradient_BD), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Losses, Memory,
                         ::testing::Values(Case{"supcon", "", "all"}, Case{"clip", "", "all"},
                                           Case{"siglip", "", "all"}, Case{"contrastive", "", "all"},
                                           Case{"circle", "", "all"},
                                           Case{"multi_similarity", "", "multi_similarity"}));

}  // namespace
}  // namespace lodestone::testing
