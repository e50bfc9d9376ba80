#include "trainer/eval/measures.h"

#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace lodestone {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

TEST(Measures, KeepTheirOrderAndReplaceInPlace) {
  Measures measures;
  measures.set("b", 1);
  measures.set("a", 2);
  measures.set("b", 3);
  Measures more;
  more.set("c", kUndefined);
  measures.merge(more);
  ASSERT_EQ(measures.entries().size(), 3U);
  EXPECT_EQ(measures.entries()[0].first, "b");
  EXPECT_EQ(*measures.find("b"), 3);
  EXPECT_FALSE(measures.find("c"));
  EXPECT_FALSE(measures.find("d"));
}

TEST(Measures, AreWrittenAsJson) {
  Measures measures;
  measures.set("recall_at_1", 1.0 / 3);
  measures.set("queries", 13180);
  measures.set("tar_at_far_1e-3", kUndefined);
  const std::string text = to_json(measures);
  EXPECT_EQ(text, R"({"recall_at_1":0.3333333333333333,"queries":13180,"tar_at_far_1e-3":null})");
  EXPECT_EQ(nlohmann::json::parse(text)["recall_at_1"].get<double>(), 1.0 / 3);
}

TEST(Measures, AreWrittenAsATable) {
  Measures model;
  model.set("recall_at_1", 0.7581);
  model.set("queries", 13180);
  model.set("eer", kUndefined);
  Measures floor;
  floor.set("recall_at_1", 0.562);
  EXPECT_EQ(measures_table(model, floor),
            "measure             model       floor\n"
            "recall_at_1       75.81 %     56.20 %\n"
            "queries            13,180            \n"
            "eer                     –            \n");
  EXPECT_EQ(measures_table(model).find("floor"), std::string::npos);
  EXPECT_EQ(measures_table(model).find("interval"), std::string::npos);
  EXPECT_EQ(measures_table(model, floor, {{"recall_at_1", 0.7402, 0.7755}, {"eer", kUndefined, kUndefined}}),
            "measure             model     95 % interval       floor\n"
            "recall_at_1       75.81 %   74.02 – 77.55 %     56.20 %\n"
            "queries            13,180                              \n"
            "eer                     –                 –            \n");
}

TEST(Measures, IntervalsAreWrittenAsPairs) {
  EXPECT_EQ(to_json({Interval{"eer", 0.125, 0.25}, Interval{"roc_auc", kUndefined, kUndefined}}),
            R"({"eer":[0.125,0.25],"roc_auc":[null,null]})");
}

TEST(Measures, AreFormattedByTheirKind) {
  EXPECT_EQ(format_measure(find_metric("uniformity"), -3.14159), "-3.142");
  EXPECT_EQ(format_measure(find_metric("queries"), 999), "999");
  EXPECT_EQ(format_measure(find_metric("queries"), 1234567), "1,234,567");
  EXPECT_EQ(format_measure(find_metric("unheard_of"), 2), "2.000");
}

}  // namespace
}  // namespace lodestone
