// What a plan says, against runs of as many ranks.
#include <cmath>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/program.h"
#include "trainer/plan/machines.h"

namespace lodestone::testing {
using namespace plan;
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

StepCost some_cost() {
  StepCost cost;
  cost.width = 128;
  cost.gradient_bytes = cost.weight_bytes = 4e8;
  cost.moment_bytes = 8e8;
  cost.working_bytes = {1e6, 1e7};
  cost.flops_per_row = 4e9;
  cost.verbs = {{"gradient_sync", VerbCost::Shape::kReduce, false, {4e8, 0}, 17},
                {"all_gather", VerbCost::Shape::kGather, true, {0, 512}, 4}};
  return cost;
}

Machine some_machine() {
  Machine machine = machine_of("h100", some_cost(), true, 0.4);
  machine.link_bandwidth = 50e9;
  machine.link_latency = 20e-6;
  return machine;
}

TEST(PlanModel, BytesAreThoseOfTheAlgorithms) {
  const Prediction p = predict(some_cost(), some_machine(), 8, 1, 1024);
  EXPECT_DOUBLE_EQ(p.sent_bytes, 2 * 7.0 / 8 * 4e8 + 7 * 512 * 128);
  EXPECT_EQ(predict(some_cost(), some_machine(), 1, 1, 1024).sent_bytes, 0);
}

TEST(PlanModel, MoreRanksTakeFewerRowsAndMoreMessages) {
  const Prediction one = predict(some_cost(), some_machine(), 1, 1, 4096),
                   many = predict(some_cost(), some_machine(), 64, 8, 4096);
  EXPECT_DOUBLE_EQ(many.compute, one.compute / 64);
  EXPECT_LT(many.activation_bytes, one.activation_bytes / 50);
  EXPECT_GT(many.kept_bytes, one.kept_bytes);  // buckets
  EXPECT_GT(many.exchange, 0);
  EXPECT_EQ(one.exchange + one.exposed, 0);
  EXPECT_GT(many.samples_per_second(), one.samples_per_second());
}

TEST(PlanModel, AThinLinkIsSeenBetweenNodesOnly) {
  Machine thin = some_machine();
  thin.link_bandwidth = 1e9;
  EXPECT_EQ(predict(some_cost(), thin, 8, 1, 1024).step(),
            predict(some_cost(), some_machine(), 8, 1, 1024).step());
  EXPECT_GT(predict(some_cost(), thin, 8, 2, 1024).step(),
            predict(some_cost(), some_machine(), 8, 2, 1024).step());
}

// A ring through all ranks has one neighbour pair between two nodes.
TEST(PlanModel, ARingCrossesANodesLinkOnce) {
  Machine thin = some_machine();
  thin.link_bandwidth = 8e9;
  thin.link_latency = thin.inner_latency = 0;
  const auto exchange = [&](int64_t nodes) { return predict(some_cost(), thin, 8, nodes, 1024).exchange; };
  const double sent = 7.0 * 512 * 128;  // bytes of a rank
  for (const int64_t nodes : {2, 3, 8}) EXPECT_DOUBLE_EQ(exchange(nodes), sent / 8e9) << nodes;
}

TEST(PlanModel, MicroBatchesBoundActivationsAndCostAPass) {
  StepCost cost = some_cost();
  cost.micro_batch = 16;
  cost.extra_forward = 1;
  const Prediction whole = predict(some_cost(), some_machine(), 1, 1, 1024),
                   pieces = predict(cost, some_machine(), 1, 1, 1024);
  EXPECT_DOUBLE_EQ(pieces.activation_bytes, cost.working_bytes.at(16));
  EXPECT_NEAR(pieces.compute / whole.compute, 4.0 / 3, 1e-12);
}

TEST(PlanModel, TheLargestBatchJustFits) {
  const int64_t largest = largest_batch(some_cost(), some_machine(), 8, 1);
  const auto memory = [](int64_t batch) {
    return predict(some_cost(), some_machine(), 8, 1, static_cast<double>(batch)).memory_bytes();
  };
  EXPECT_LE(memory(largest), 0.9 * some_machine().memory_bytes);
  EXPECT_GT(memory(largest + 8), 0.9 * some_machine().memory_bytes);
}

TEST(PlanModel, ScalingStopsPayingWhereDoublingGivesLittle) {
  std::vector<Prediction> all;
  for (int64_t ranks = 1; ranks <= 16; ranks *= 2) {
    all.emplace_back();
    all.back().ranks = ranks;
    all.back().global_batch = 100;
    all.back().compute = 1.0 / static_cast<double>(std::min<int64_t>(ranks, 4));
  }
  EXPECT_EQ(last_that_pays(all), 4);
}

// Of those that mine tuples, one for each anchor whatever the rows are: what the plan counts.
constexpr const char* kMiner = "miner.name=batch_hard";

std::map<std::string, double> sent_in_a_run(const Workspace& work, int ranks, int64_t batch) {
  const std::string json = work.path("step.json");
  const Finished done = run(
      mpirun(ranks, lodestone({"bench", "step", work.config(), "--steps", "3", "--warm-up", "1", "--set",
                               "global_batch=" + std::to_string(batch), "--set", kMiner, "--json", json})));
  EXPECT_EQ(done.code, 0) << done.err;
  std::map<std::string, double> sent;
  const auto step = nlohmann::json::parse(contents(json));
  for (const auto& [verb, bytes] : step["sent_bytes"].items()) sent[verb] = bytes;
  return sent;
}

TEST(Plan, BytesAreThoseOfARun) {
  const Workspace work;
  for (const auto& [ranks, batch] : std::vector<std::pair<int, int64_t>>{{2, 16}, {3, 24}, {4, 32}}) {
    const std::string json = work.path("plan.json");
    const Finished plan =
        run(lodestone({"plan", work.config(), "--ranks", std::to_string(ranks), "--set",
                       "global_batch=" + std::to_string(batch), "--set", kMiner, "--json", json}));
    ASSERT_EQ(plan.code, 0) << plan.err;
    const auto planned = nlohmann::json::parse(contents(json));
    const auto sent = sent_in_a_run(work, ranks, batch);
    ASSERT_GT(sent.size(), 3u);
    for (const auto& [verb, bytes] : sent) {
      if (!planned["verbs"].contains(verb)) {
        EXPECT_EQ(bytes, 0) << verb;
        continue;
      }
      const double calls = planned["verbs"][verb]["calls"];
      // A call sends whole bytes.
      EXPECT_NEAR(planned["verbs"][verb]["sent_bytes"].get<double>(), bytes, calls + 1)
          << verb << " of " << ranks << " ranks";
    }
  }
}

TEST(Plan, PrintsOneOfEachAsOneAndNoWarning) {
  const Workspace work;
  const Finished plan = run(lodestone({"plan", work.config(), "--ranks", "1", "--set", kMiner}));
  ASSERT_EQ(plan.code, 0) << plan.err;
  EXPECT_THAT(
      plan.out,
      ::testing::AllOf(HasSubstr("1 rank on 1 node ("),
                       ::testing::ContainsRegex("worthwhile up to (1 rank|([2-9]|[1-9][0-9]+) ranks): ")));
  EXPECT_THAT(plan.err, ::testing::Not(HasSubstr("Memory block")));
}

// A pipe can be read once; read again it would be empty, and defaults planned.
TEST(Plan, OfAPipeIsThatOfTheFile) {
  const Workspace work;
  const auto parameters = [&](const std::string& config) {
    const std::string json = work.path("plan.json");
    const Finished plan = run(
        {"bash", "-c", "\"$0\" plan " + config + " --json \"$2\"", LODESTONE_PROGRAM, work.config(), json});
    EXPECT_EQ(plan.code, 0) << plan.err;
    return nlohmann::json::parse(contents(json))["parameters"].get<int64_t>();
  };
  EXPECT_EQ(parameters("<(cat \"$1\")"), parameters("\"$1\""));
}

TEST(Plan, IsWrittenToStdoutWhereverThatLeads) {
  const Workspace work;
  const std::string link = work.path("link"), file = work.path("out");
  fs::create_symlink("/proc/self/fd/1", link);
  const Finished plan = run(
      {"sh", "-c", "\"$0\" plan \"$1\" --json \"$2\" >\"$3\"", LODESTONE_PROGRAM, work.config(), link, file});
  EXPECT_EQ(plan.code, 0) << plan.err;
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_THAT(contents(file), ::testing::AllOf(::testing::StartsWith("{"), HasSubstr("\"parameters\""),
                                               HasSubstr("worthwhile up to")));
}

TEST(Plan, RefusesWhatItCannotPredict) {
  const Workspace work;
  const Finished proxies =
      run(lodestone({"plan", work.config(), "--set", "loss.name=arcface", "--set", "miner.name=all"}));
  EXPECT_EQ(proxies.code, 2);
  EXPECT_THAT(proxies.err, HasSubstr("--classes"));
  EXPECT_THAT(run(lodestone({"plan", work.config(), "--gpu", "h1000"})).err, HasSubstr("h100, h200"));
  EXPECT_THAT(run(lodestone({"plan", work.config(), "--link", "fast"})).err, HasSubstr("400gbit"));
  EXPECT_EQ(run(lodestone({"plan", work.config(), "--ranks", "2", "--nodes", "3"})).code, 2);
  const Finished images = run(lodestone({"plan", work.config(), "--tokens", "9"}));
  EXPECT_EQ(images.code, 2);
  EXPECT_THAT(images.err, HasSubstr("--tokens with texts alone"));
}

}  // namespace
}  // namespace lodestone::testing
