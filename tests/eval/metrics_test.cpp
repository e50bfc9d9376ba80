#include "trainer/eval/metrics.h"

#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace lodestone {
using namespace eval;
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

TEST(Metrics, KeepTheirOrderAndReplaceInPlace) {
  Metrics metrics;
  metrics.set("b", 1);
  metrics.set("a", 2);
  metrics.set("b", 3);
  Metrics more;
  more.set("c", kUndefined);
  metrics.merge(more);
  ASSERT_EQ(metrics.entries().size(), 3U);
  EXPECT_EQ(metrics.entries()[0].first, "b");
  EXPECT_EQ(*metrics.find("b"), 3);
  EXPECT_FALSE(metrics.find("c"));
  EXPECT_FALSE(metrics.find("d"));
}

TEST(Metrics, AreWrittenAsJson) {
  Metrics metrics;
  metrics.set("recall_at_1", 1.0 / 3);
  metrics.set("queries", 13180);
  metrics.set("tar_at_far_1e-3", kUndefined);
  const std::string text = to_json(metrics);
  EXPECT_EQ(text, R"({"recall_at_1":0.3333333333333333,"queries":13180,"tar_at_far_1e-3":null})");
  EXPECT_EQ(nlohmann::json::parse(text)["recall_at_1"].get<double>(), 1.0 / 3);
}

TEST(Metrics, AreWrittenAsATable) {
  Metrics model;
  model.set("recall_at_1", 0.7581);
  model.set("queries", 13180);
  model.set("eer", kUndefined);
  Metrics baseline;
  baseline.set("recall_at_1", 0.562);
  EXPECT_EQ(format_metrics(model, baseline),
            "metric              model    baseline\n"
            "recall_at_1       75.81 %     56.20 %\n"
            "queries            13,180            \n"
            "eer                     –            \n");
  EXPECT_EQ(format_metrics(model).find("baseline"), std::string::npos);
  EXPECT_EQ(format_metrics(model).find("interval"), std::string::npos);
  EXPECT_EQ(
      format_metrics(model, baseline, {{"recall_at_1", 0.7402, 0.7755}, {"eer", kUndefined, kUndefined}}),
      "metric              model     95 % interval    baseline\n"
      "recall_at_1       75.81 %   74.02 – 77.55 %     56.20 %\n"
      "queries            13,180                              \n"
      "eer                     –                 –            \n");
}

TEST(Metrics, IntervalsAreWrittenAsPairs) {
  EXPECT_EQ(to_json({Interval{"eer", 0.125, 0.25}, Interval{"roc_auc", kUndefined, kUndefined}}),
            R"({"eer":[0.125,0.25],"roc_auc":[null,null]})");
}

TEST(Metrics, AreFormattedByTheirKind) {
  EXPECT_EQ(format_metric(find_metric("uniformity"), -3.14159), "-3.142");
  EXPECT_EQ(format_metric(find_metric("queries"), 999), "999");
  EXPECT_EQ(format_metric(find_metric("queries"), 1234567), "1,234,567");
  EXPECT_EQ(format_metric(find_metric("unheard_of"), 2), "2.000");
}

}  // namespace
}  // namespace lodestone
