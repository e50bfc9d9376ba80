#include "trainer/eval/metric_table.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "trainer/eval/retrieval_metrics.h"

namespace lodestone {
using namespace eval;
namespace {

TEST(MetricTable, NamesEachMetricOnce) {
  std::set<std::string> names, titles;
  for (const Metric& metric : metric_table()) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_TRUE(titles.insert(metric.title).second) << metric.title;
  }
  for (const RetrievalMetric& metric : retrieval_metrics()) EXPECT_TRUE(names.contains(metric.shown.name));
  EXPECT_STREQ(find_metric("eer").title, "Equal error rate");
  EXPECT_STREQ(find_metric("unheard_of").title, "");
}

TEST(MetricTable, ExplainsWhatItFollows) {
  for (const Metric& metric : followed_metrics()) EXPECT_STRNE(metric.meaning, "") << metric.name;
}

// Dashboards, alerts and keep_best use these names.
TEST(MetricTable, KeepsTheGaugesOfOldRuns) {
  std::set<std::string> names;
  for (const Metric& metric : followed_metrics()) names.insert(metric.name);
  for (const char* name : {"recall_at_1", "map_at_r", "eer"}) EXPECT_TRUE(names.contains(name)) << name;
}

}  // namespace
}  // namespace lodestone
