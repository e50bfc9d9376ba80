// What travels between ranks, and how: bytes, types, scopes.
#include "support/problem.h"

namespace lodestone::testing {
namespace {

constexpr int64_t kRows = 24, kWidth = 64;

StepLoss step_of(const Group& group, const LocalRows& batch, const Objective& objective,
                 const StepInput& input = {}) {
  const int64_t share_rows = kRows / group.size();
  return global_batch_loss(group, share(batch, share_rows * group.rank(), share_rows), objective, input);
}

TEST(Exchange, SendsOneAllGatherOfEmbeddingsAndAFewNumbersPerRow) {
  const MadeCase made(Case{"supcon", "", "all"});
  LocalRows batch = random_batch(kRows, kWidth, 3);
  batch.z_bD = batch.z_bD.to(at::kFloat);
  run_ranks(2, [&](const Group& group) {
    const Traffic before = group.traffic();
    step_of(group, batch, made.objective());
    const Traffic after = group.traffic();
    const int64_t rows = kRows / 2, gathered = after.all_gather.bytes - before.all_gather.bytes;
    // Label, group, id; the sum over negatives, what it weighs, and value and weight of two sums over
    // positives.
    const int64_t row_state = 3 * 8 + 2 * 8 + 4 * 8;
    EXPECT_GE(gathered, rows * (kWidth * 4 + row_state));
    EXPECT_LE(gathered, rows * (kWidth * 4 + row_state) + 64);
    EXPECT_LE(after.bytes() - before.bytes() - gathered, 256);
  });
}

TEST(Exchange, ARingSendsTheSameRowsOncePerPassAndHoldsItsOwn) {
  const MadeCase made(Case{"infonce", "", "all", true, false, false, true});
  const LocalRows batch = random_batch(kRows, kWidth, 3);
  run_ranks(3, [&](const Group& group) {
    const Traffic before = group.traffic();
    step_of(group, batch, made.objective());
    const int64_t sent = group.traffic().send_recv.bytes - before.send_recv.bytes;
    // Negatives and positives, each folded and differentiated: four rounds of two hops.
    EXPECT_EQ(sent, 4 * 2 * (kRows / 3) * kWidth * 8);
  });
}

TEST(Exchange, OnABfloat16WireAllRanksSeeTheSameRows) {
  const MadeCase made(Case{"infonce", "", "all"});
  const LocalRows batch = random_batch(kRows, kWidth, 4);
  Objective objective = made.objective();
  const double exact = step_of(single_group(), batch, objective).loss;
  objective.exchange.bf16_wire = true;
  const StepLoss one = step_of(single_group(), batch, objective);
  EXPECT_NE(one.loss, exact);
  EXPECT_NEAR(one.loss, exact, 0.02 * exact);
  run_ranks(3, [&](const Group& group) {
    const StepLoss many = step_of(group, batch, objective);
    EXPECT_NEAR(many.loss, one.loss, 1e-12 * one.loss);
    const int64_t rows = kRows / 3;
    EXPECT_LE(max_relative_error(many.gradient_bD, one.gradient_bD.narrow(0, rows * group.rank(), rows)),
              1e-12);
  });
}

TEST(Exchange, ALocalScopeIsTheMeanOverEachRanksOwnAnchors) {
  const MadeCase made(Case{"supcon", "", "all"});
  const LocalRows batch = random_batch(kRows, kWidth, 5);
  double sum = 0, anchors = 0;
  for (int64_t rank = 0; rank < 2; ++rank) {
    const StepLoss alone = global_batch_loss(single_group(), share(batch, 12 * rank, 12), made.objective());
    sum += alone.loss * alone.valid;
    anchors += alone.valid;
  }
  run_ranks(2, [&](const Group& group) {
    const Group own = single_group();
    StepInput input;
    input.scope = own;
    EXPECT_NEAR(step_of(group, batch, made.objective(), input).loss, sum / anchors, 1e-12);
  });
}

TEST(Exchange, CountsPairsMaskedAsTheSameSample) {
  LocalRows batch = random_batch(kRows, kWidth, 6);
  for (int64_t i = 0; i < kRows; ++i) {
    batch.label_b[i] = i;
    batch.group_b[i] = i;
    batch.id_b[i] = i / 4;  // four classes show each sample
  }
  const MadeCase made(Case{"contrastive", "", "all"});
  run_ranks(2, [&](const Group& group) {
    EXPECT_EQ(step_of(group, batch, made.objective()).same_sample, kRows * 3);
  });
}

}  // namespace
}  // namespace lodestone::testing
