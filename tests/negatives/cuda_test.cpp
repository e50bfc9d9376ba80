// The same on a GPU: loss, gradients and tuples are those of plain autograd on the CPU. Skipped where there
// is none.
#include <ATen/ops/equal.h>

#include "common/error.h"
#include "distributed/launch.h"
#include "support/problem.h"

namespace lodestone::testing {
using namespace distributed;
namespace {

// Of a job of one rank that wants a GPU; null where there is none.
const Launch* gpu_job() {
  static const std::unique_ptr<Launch> job = []() -> std::unique_ptr<Launch> {
    LaunchOptions options;
    options.device = DeviceChoice::kAuto;
    auto launch = std::make_unique<Launch>(
        options, [](const std::string&) -> std::optional<std::string> { return {}; });
    return launch->device().is_cuda() ? std::move(launch) : nullptr;
  }();
  return job.get();
}

LocalRows moved(const LocalRows& x, c10::Device to) {
  return {x.z_bD.to(to), x.label_b.to(to), x.group_b.to(to), x.id_b.to(to)};
}

Problem moved(const Problem& problem, c10::Device to) {
  Problem other{moved(problem.rows, to), {}, {}};
  if (problem.second) other.second = moved(*problem.second, to);
  if (const auto& x = problem.shard)
    other.shard = shard_rows(x->u_nD.to(to), x->label_n.to(to), x->group_n.to(to), x->id_n.to(to));
  return other;
}

class Cuda : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (gpu_job() == nullptr) GTEST_SKIP() << "no GPU here";
  }

  static StepLoss solved(const Problem& problem, const MadeCase& made) {
    const Problem there = moved(problem, gpu_job()->device());
    return global_batch_loss(gpu_job()->world(), there.rows, made.objective(), there.input(made));
  }

  // Of keys and past rows there is no gradient.
  static void expect_near(const at::Tensor& got, const at::Tensor& expected, double tolerance) {
    if (got.defined()) {
      EXPECT_LE(max_relative_error(got.cpu().to(at::kDouble), expected), tolerance);
    }
  }

  static void expect_equal(const StepLoss& got, const OracleLoss& expected, double tolerance) {
    EXPECT_TRUE(got.gradient_bD.is_cuda());
    EXPECT_NEAR(got.loss, expected.loss, tolerance * expected.loss);
    expect_near(got.gradient_bD, expected.gradient_BD, tolerance);
    expect_near(got.second_gradient_bD, expected.second_gradient_BD, tolerance);
    expect_near(got.shard_gradient_nD, expected.shard_gradient_nD, tolerance);
    ASSERT_EQ(got.parameter_gradients.size(), expected.parameter_gradients.size());
    for (size_t i = 0; i < got.parameter_gradients.size(); ++i)
      EXPECT_NEAR(got.parameter_gradients[i], expected.parameter_gradients[i],
                  tolerance * std::max(1.0, std::abs(expected.parameter_gradients[i])));
  }
};

TEST_P(Cuda, Float64EqualsAutogradOnTheCpu) {
  const MadeCase made(GetParam());
  const Problem problem = problem_around(made, random_batch(47, 8, 21), 21);
  const OracleLoss oracle = oracle_loss(problem.rows, made.objective(), problem.input(made));
  const StepLoss got = solved(problem, made);
  expect_equal(got, oracle, 1e-11);
  if (got.tuples.anchor_t.defined()) {
    EXPECT_TRUE(at::equal(tuples_of(got.tuples).cpu(), tuples_of(oracle.tuples)));
  }
}

TEST_P(Cuda, Float32IsCloseToFloat64) {
  const MadeCase made(GetParam());
  const double scale = std::max(1.0, std::abs(made.loss->affine().scale) / 100);
  const Problem problem = problem_around(made, random_batch(47, 8, 22), 22);
  const OracleLoss oracle = oracle_loss(problem.rows, made.objective(), problem.input(made));
  expect_equal(solved(to_type(problem, at::kFloat), made), oracle, 1e-5 * scale);
}

// Several tiles a side, the last ones not whole.
TEST_P(Cuda, ManyTilesEqualTheCpus) {
  const MadeCase made(GetParam());
  const Problem problem = problem_around(made, random_batch(4500, 8, 23), 23);
  const Global expected = run_world(problem, {4500}, made);
  const StepLoss got = solved(problem, made);
  EXPECT_NEAR(got.loss, expected.loss, 1e-11 * expected.loss);
  expect_near(got.gradient_bD, expected.gradient_BD, 1e-10);
  expect_near(got.second_gradient_bD, expected.second_gradient_BD, 1e-10);
  expect_near(got.shard_gradient_nD, expected.shard_gradient_nD, 1e-10);
  if (got.tuples.anchor_t.defined()) {
    EXPECT_TRUE(at::equal(tuples_of(got.tuples).cpu(), expected.tuples_t3));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Cuda, ::testing::ValuesIn(all_cases()));

}  // namespace
}  // namespace lodestone::testing
