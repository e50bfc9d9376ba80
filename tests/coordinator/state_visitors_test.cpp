// What a checkpoint holds is listed once: saving, checking and restoring visit the same list.
#include "trainer/coordinator/checkpoints/state_visitors.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "support/ranks.h"

namespace lodestone {
using namespace coordinator;
using namespace distributed;
namespace {

using ::testing::HasSubstr;

/// Something of each sort: a weight, rows that ranks share out, a statistic of each rank, numbers.
struct Owner {
  Owner(const Group& group, float value) : world(group) {
    first = kTotal * world.rank() / world.size();
    const int64_t count = kTotal * (world.rank() + 1) / world.size() - first;
    weight = at::full({2, 3}, value);
    rows = at::arange(first, first + count).to(at::kFloat).unsqueeze(1).add(value);
    statistic = at::full({2}, value + static_cast<float>(world.rank()));
    pushed = static_cast<int64_t>(value);
    step = 10 * pushed;
  }

  void visit_state(StateVisitor& v) {
    v.replicated("model", "weight", weight);
    v.per_rank("mean", statistic);
    v.sharded("memory", "embedding", {rows, first, kTotal, world.size() > 1});
    v.number("memory", "next", pushed);
    v.number("", "step", step);
    v.number("", "counters.samples", samples);
  }

  static constexpr int64_t kTotal = 7;
  Group world;
  int64_t first = 0, pushed = 0, step = 0, samples = 42;
  at::Tensor weight, rows, statistic;
};

Snapshot saved_by(int world, float value) {
  Snapshot whole;
  testing::run_ranks(world, [&](const Group& group) {
    Owner owner(group, value);
    Snapshot mine;
    SaveState saving(group, mine);
    owner.visit_state(saving);
    if (group.rank() == 0) whole = mine;
  });
  return whole;
}

TEST(StateVisitors, BringBackWhatWasSavedOnAnyNumberOfRanks) {
  for (const int before : {1, 2, 3, 8})
    for (const int after : {1, 2, 3, 8}) {
      const Snapshot whole = saved_by(before, 3);
      EXPECT_EQ(whole.tensors.at("memory").at("embedding").size(0), Owner::kTotal);
      EXPECT_EQ(whole.state.dump(), R"({"counters":{"samples":42},"step":30})");
      testing::run_ranks(after, [&](const Group& group) {
        Snapshot mine = whole;
        if (group.rank() != 0) {  // shapes alone
          at::Tensor& embedding = mine.tensors["memory"]["embedding"];
          embedding = at::zeros({}, embedding.options()).expand(embedding.sizes());
          mine.tensors["memory"]["next"] = at::zeros({1}, at::kLong);
        }
        Owner owner(group, 5);
        owner.samples = 0;
        CheckState checking(mine);
        owner.visit_state(checking);
        checking.finish();
        RestoreState restoring(group, mine);
        owner.visit_state(restoring);
        const Owner expected(group, 3);
        EXPECT_TRUE(owner.weight.equal(expected.weight));
        EXPECT_TRUE(owner.rows.equal(expected.rows));
        EXPECT_EQ(owner.pushed, 3);
        EXPECT_EQ(owner.step, 30);
        EXPECT_EQ(owner.samples, 42);
        // What ranks keep of their own comes back where there are as many.
        EXPECT_TRUE(owner.statistic.equal(before == after ? expected.statistic : Owner(group, 5).statistic));
      });
    }
}

std::string refusal(const Snapshot& snapshot) {
  Owner owner(single_group(), 5);
  CheckState checking(snapshot);
  try {
    owner.visit_state(checking);
    checking.finish();
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "none";
}

TEST(StateVisitors, RefuseWhatDoesNotFitBeforeAnythingIsOverwritten) {
  const Snapshot good = saved_by(2, 3);
  EXPECT_EQ(refusal(good), "none");
  const auto with = [&](const std::function<void(Snapshot&)>& change) {
    Snapshot bad = good;
    change(bad);
    return refusal(bad);
  };
  EXPECT_THAT(with([](Snapshot& s) { s.tensors.erase("memory"); }), HasSubstr("a file memory.safetensors"));
  EXPECT_THAT(with([](Snapshot& s) { s.tensors["model"].erase("weight"); }), HasSubstr("'weight' in model"));
  EXPECT_THAT(with([](Snapshot& s) {
                s.tensors["model"]["weight"] = at::zeros({3, 2});
              }),
              HasSubstr("of shape [2, 3], got [3, 2]"));
  EXPECT_THAT(with([](Snapshot& s) {
                s.tensors["memory"]["embedding"] = at::zeros({6, 1});
              }),
              HasSubstr("of shape [7, 1], got [6, 1]"));
  EXPECT_THAT(with([](Snapshot& s) {
                s.tensors["memory"]["embedding"] = at::zeros({7, 1}, at::kDouble);
              }),
              HasSubstr("of type Float, got Double"));
  EXPECT_THAT(with([](Snapshot& s) { s.tensors["memory"]["next"] = at::zeros({1}); }), HasSubstr("integer"));
  EXPECT_THAT(with([](Snapshot& s) { s.tensors["model"]["bias"] = at::zeros({1}); }),
              HasSubstr("holds 'bias'"));
  EXPECT_THAT(with([](Snapshot& s) { s.state.erase("step"); }), HasSubstr("the number 'step'"));
  EXPECT_THAT(with([](Snapshot& s) { s.state["counters"] = 3; }), HasSubstr("'counters.samples'"));
  EXPECT_THAT(with([](Snapshot& s) { s.state["step"] = "30"; }), HasSubstr("the number 'step'"));
}

TEST(StateVisitors, NameGroupsThatNobodyVisits) {
  Snapshot snapshot = saved_by(1, 3);
  snapshot.tensors["ema"]["weight"] = at::zeros({2, 3});
  Owner owner(single_group(), 5);
  CheckState checking(snapshot);
  owner.visit_state(checking);
  checking.finish();
  EXPECT_EQ(checking.unused(), std::vector<std::string>{"ema"});
}

}  // namespace
}  // namespace lodestone
