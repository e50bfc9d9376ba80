// Threads of one rank share the tiles: however many there are, the result is the
// same, but for the last digits of what LibTorch adds up.
#include <ATen/ops/equal.h>

#include "support/problem.h"
#include "support/thread_count.h"

namespace lodestone::testing {
namespace {

class Threads : public ::testing::TestWithParam<Case> {};

Global solved(const Problem& problem, const MadeCase& made, int threads) {
  const ThreadCount count(threads);  // of the ranks' threads too
  return run_world(problem, {problem.rows.z_bD.size(0)}, made);
}

TEST_P(Threads, AnyNumberGivesTheSame) {
  constexpr int64_t kRows = 500;  // four tiles a side, the last one not whole
  const MadeCase made(GetParam());
  const Problem problem = problem_around(made, random_batch(kRows, 8, 5), 5);
  const Global one = solved(problem, made, 1);
  for (const int threads : {2, 3}) {
    const Global many = solved(problem, made, threads);
    EXPECT_NEAR(many.loss, one.loss, 1e-13 * std::max(1.0, std::abs(one.loss)));
    EXPECT_LE(max_relative_error(many.gradient_BD, one.gradient_BD), 1e-12);
    if (one.tuples_t3.defined()) {
      EXPECT_TRUE(at::equal(many.tuples_t3, one.tuples_t3));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Threads, ::testing::ValuesIn(all_cases()));

}  // namespace
}  // namespace lodestone::testing
