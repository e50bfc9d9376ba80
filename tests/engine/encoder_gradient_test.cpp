// Encoder gradients through the Reducer: for every loss and miner, summed over ranks they are those of one
// process.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros_like.h>

#include "distributed/reductions/gradient_sync.h"
#include "support/problem.h"

namespace lodestone::testing {
using namespace distributed;
namespace {

constexpr int64_t kRows = 17, kInputs = 6, kHidden = 5, kWidth = 4;

/// The least that is an encoder: two layers, the same on every rank.
struct Encoder {
  at::Tensor first_ID = at::Tensor(random_rows(kInputs, kHidden, 71)).requires_grad_(true);
  at::Tensor second_HD = at::Tensor(random_rows(kHidden, kWidth, 72)).requires_grad_(true);

  at::Tensor forward(const at::Tensor& x_bI) const {
    return at::matmul(at::tanh(at::matmul(x_bI, first_ID)), second_HD);
  }
  // Both layers' gradients in a row.
  at::Tensor gradient() const {
    const auto of = [](const at::Tensor& x) {
      return (x.grad().defined() ? x.grad() : at::zeros_like(x.detach())).reshape(-1);
    };
    return at::cat({of(first_ID), of(second_HD)});
  }
};

LocalRows encoded(const LocalRows& inputs, const at::Tensor& z_bD) {
  return {z_bD.detach(), inputs.label_b, inputs.group_b, inputs.id_b};
}

class EncoderGradient : public ::testing::TestWithParam<Case> {};

TEST_P(EncoderGradient, SummedOverRanksIsThatOfOneProcess) {
  at::AutoGradMode with_grad(true);
  const MadeCase made(GetParam());
  const LocalRows inputs = random_batch(kRows, kInputs, 61);
  const Encoder whole;
  const at::Tensor z_BD = whole.forward(inputs.z_bD);
  const Problem problem = problem_around(made, encoded(inputs, z_BD), 61);
  const OracleLoss oracle = oracle_loss(problem.rows, made.objective(), problem.input(made));
  z_BD.backward(oracle.gradient_BD);
  const at::Tensor expected = whole.gradient();

  size_t way = 0;
  for (const int world : {1, 2, 3, 4, 7}) {
    // In turns even, uneven, all rows on one rank; cases begin at different ones.
    const auto ways = ways_to_share(kRows, world);
    const auto& shares = ways[(way++ + GetParam().loss.size() + GetParam().miner.size()) % ways.size()];
    SCOPED_TRACE(::testing::PrintToString(shares));
    std::vector<at::Tensor> found(shares.size());
    run_ranks(world, [&](const Group& group) {
      at::AutoGradMode rank_with_grad(true);
      const auto rank = static_cast<size_t>(group.rank());
      const Encoder encoder;
      GradientSync sync(group, {encoder.first_ID, encoder.second_HD});
      const Problem mine = share_of(problem, shares, rank);
      int64_t begin = 0;
      for (size_t r = 0; r < rank; ++r) begin += shares[r];
      const at::Tensor z_bD = encoder.forward(share(inputs, begin, shares[rank]).z_bD);
      const StepLoss step = global_batch_loss(group, mine.rows, made.objective(), mine.input(made));
      sync.prepare({z_bD});
      z_bD.backward(step.gradient_bD);
      sync.finish();
      found[rank] = encoder.gradient();
    });
    for (const at::Tensor& gradient : found) EXPECT_LE(max_relative_error(gradient, expected), 1e-11);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EncoderGradient, ::testing::ValuesIn(all_cases()));

}  // namespace
}  // namespace lodestone::testing
