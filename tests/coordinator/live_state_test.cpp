#include "trainer/coordinator/metrics/live_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "trainer/coordinator/metrics/scrape_targets.h"

namespace lodestone {
using namespace coordinator;
using namespace engine;
namespace {

using nlohmann::json;

const RunInfo kRun{"faces", "abc", "local", 2, 0, 1, 0, {}};

StepMetrics step_of(int64_t step) {
  StepMetrics metrics;
  metrics.step = step;
  metrics.samples = 64;
  metrics.loss = 1.0 / static_cast<double>(step);
  metrics.step_seconds = 0.5;
  return metrics;
}

LiveState fresh(int64_t first = 0) {
  return {kRun, first, 1'000'000, {{"Encoder", "conv4"}}, "seed: 1\n"};
}

TEST(LiveState, CurvesCoverTheWholeRunInBoundedSpace) {
  LiveState live = fresh();
  for (int64_t step = 1; step <= 50'000; ++step) live.step(step_of(step));
  const json run = json::parse(live.run_json({}));
  const auto steps = run["steps"].get<std::vector<int64_t>>();
  EXPECT_LE(steps.size(), 600U);
  EXPECT_GE(steps.size(), 300U);
  EXPECT_EQ(steps.front(), 1);
  const int64_t spacing = steps[1] - steps[0];
  for (size_t i = 1; i < steps.size(); ++i) EXPECT_EQ(steps[i] - steps[i - 1], spacing);
  EXPECT_GT(steps.back(), 50'000 - spacing);
  EXPECT_EQ(run["curves"]["loss"].size(), steps.size());
  for (size_t i = 0; i < steps.size(); ++i)
    EXPECT_EQ(run["curves"]["loss"][i], 1.0 / static_cast<double>(steps[i]));
}

TEST(LiveState, ANumberThatIsNoneIsNull) {
  LiveState live = fresh();
  StepMetrics metrics = step_of(1);
  metrics.loss = std::numeric_limits<double>::quiet_NaN();
  live.step(metrics);
  live.evaluation(1,
                  {{"recall_at_1", 0.5}, {"eer", std::numeric_limits<double>::infinity()}, {"roc_auc", 1}});
  const json run = json::parse(live.run_json({}));
  EXPECT_TRUE(run["curves"]["loss"][0].is_null());
  EXPECT_EQ(run["evaluations"], (json{{{"step", 1}, {"recall_at_1", 0.5}, {"eer", nullptr}}}));
  EXPECT_EQ(run["metrics"][0], (json{{"name", "recall_at_1"}, {"title", "Recall at 1"}, {"rate", true}}));
}

TEST(LiveState, ListsKeepTheNewest) {
  LiveState live = fresh();
  for (int64_t step = 1; step <= 100; ++step) {
    live.checkpoint(step, 0.1, 10);
    live.notice(step, "\xff not UTF-8");
  }
  live.checkpoint_failed(101, "no space");
  const json run = json::parse(live.run_json({}));
  EXPECT_EQ(run["checkpoints"].size(), 12U);
  EXPECT_EQ(run["checkpoints"].back()["failed"], "no space");
  EXPECT_EQ(run["notices"].size(), 20U);
  EXPECT_EQ(run["notices"].back()["step"], 100);
}

TEST(LiveState, ReportsRanksAndTheAgeOfTheLastStep) {
  LiveState live = fresh(7);
  EXPECT_TRUE(json::parse(live.run_json({}))["step_age"].is_null());
  live.step(step_of(8));
  const json run =
      json::parse(live.run_json({{0, 8, 0.1, 0, ""}, {1, 7, 0.2, 3.5, "barrier call 4 of group world"}}));
  EXPECT_GE(run["step_age"], 0);
  EXPECT_LT(run["step_age"], 60);
  EXPECT_EQ(run["ranks"].size(), 2U);
  EXPECT_EQ(run["ranks"][1]["awaited_seconds"], 3.5);
  EXPECT_EQ(run["ranks"][1]["place"], "barrier call 4 of group world");
}

TEST(LiveState, EmbeddingsAreMadeOnlyForWhoLooks) {
  LiveState live = fresh();
  EXPECT_FALSE(live.wants_embeddings());
  EXPECT_EQ(json::parse(live.embeddings_json())["points"].size(), 0U);
  EXPECT_TRUE(live.wants_embeddings());
  live.embeddings({3, {{0.5, -1, 2, "a"}}, {{{"a", "text", ""}, {"a", "", "data:"}, {"b", "", ""}, 0.25}}});
  EXPECT_FALSE(live.wants_embeddings());
  const json shown = json::parse(live.embeddings_json());
  EXPECT_EQ(shown["points"][0]["label"], "a");
  EXPECT_EQ(shown["triplets"][0]["anchor"]["text"], "text");
}

TEST(ScrapeTargets, AreWhatPrometheusReads) {
  const TempFolder folder;
  MetricsConfig config;
  config.targets_file = (folder.path() / "targets.json").string();
  write_scrape_targets(config, "faces", {"127.0.0.1:9400", "[::1]:9401"});
  const json expected = {{{"targets", {"127.0.0.1:9400"}}, {"labels", {{"run", "faces"}, {"rank", "0"}}}},
                         {{"targets", {"[::1]:9401"}}, {"labels", {{"run", "faces"}, {"rank", "1"}}}}};
  EXPECT_EQ(json::parse(read_file(config.targets_file)), expected);
  config.certificate = "server.pem";
  write_scrape_targets(config, "faces", {"127.0.0.1:9400"});
  EXPECT_EQ(json::parse(read_file(config.targets_file))[0]["labels"]["__scheme__"], "https");
}

TEST(ScrapeTargets, NameTheHostWhereAllAddressesAreServed) {
  MetricsConfig config;
  EXPECT_EQ(scrape_target(config, 9400), "127.0.0.1:9400");
  config.address = "::1";
  EXPECT_EQ(scrape_target(config, 9400), "[::1]:9400");
  config.address = "0.0.0.0";
  EXPECT_FALSE(scrape_target(config, 9400).starts_with("0.0.0.0"));
}

}  // namespace
}  // namespace lodestone
