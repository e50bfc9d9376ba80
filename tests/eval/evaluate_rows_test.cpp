#include "trainer/eval/evaluate_rows.h"

#include <fstream>
#include <sstream>

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "eval/rows_for_tests.h"
#include "support/ranks.h"
#include "trainer/eval/pixel_baseline.h"
#include "trainer/eval/tf_idf.h"

namespace lodestone {
using namespace distributed;
using namespace eval;
namespace {

TEST(EvaluateRows, GivesEveryMeasureItsKnownName) {
  const EvaluationResult found = evaluate_rows(clustered_rows(1, 100, 8, 25, 0.5));
  // Trials, triplets (2 measures), graded pairs (2) and images with captions (8) are tested elsewhere.
  EXPECT_EQ(found.metrics.entries().size(), metric_table().size() - 13);
  for (const auto& [name, value] : found.metrics.entries()) {
    EXPECT_STRNE(find_metric(name).title, "") << name;
    EXPECT_TRUE(found.metrics.find(name)) << name;
  }
  EXPECT_FALSE(found.roc.empty());
  EXPECT_EQ(found.distances.positives.size(), 40U);
}

TEST(EvaluateRows, PutsModelAndFloorThroughTheSameCode) {
  // Images whose pixels are the embedding: their baseline is the evaluation of the embedding itself.
  const LabelledRows rows = clustered_rows(2, 60, 12, 15, 1);
  const LabelledRows pixels{pixel_rows(rows.x_ND.view({60, 1, 3, 4})), rows.groups_N};
  MetricOptions options;
  options.retrieval.similarity = Similarity::kL2;
  const Metrics model = evaluate_rows(rows, options).metrics;
  const Metrics baseline = evaluate_rows(pixels, options).metrics;
  EXPECT_EQ(to_json(model), to_json(baseline));
  EXPECT_FALSE(baseline.find("alignment"));
}

void expect_equal(const EvaluationResult& a, const EvaluationResult& b) {
  EXPECT_EQ(to_json(a.metrics), to_json(b.metrics));
  EXPECT_EQ(to_json(a.intervals), to_json(b.intervals));
  EXPECT_EQ(a.distances.positives, b.distances.positives);
  ASSERT_EQ(a.roc.size(), b.roc.size());
  for (size_t k = 0; k < a.roc.size(); ++k) EXPECT_EQ(a.roc[k].threshold, b.roc[k].threshold);
}

TEST(EvaluateRows, IsTheSameOnAnyNumberOfRanks) {
  const TfIdf texts({"one fish", "two fish", "red fish", "blue fish", "one"});
  const std::vector<int64_t> topics = {0, 0, 1, 1, 0};
  MetricOptions options;
  options.bootstrap = {20, 0.95, 3};
  for (const LabelledRows& rows :
       {clustered_rows(3, 90, 6, 20, 1.1), coarse_rows(4, 3, 4, 2), LabelledRows{at::ones({0, 3}), {}}}) {
    const EvaluationResult alone = evaluate_rows(rows, options);
    const EvaluationResult baseline = evaluate_rows(compare_texts(texts, topics), topics, topics, options);
    for (const int world : {1, 2, 3, 4})
      testing::run_ranks(world, [&](const Group& group) {
        const EvaluationResult found = evaluate_rows(rows, options, nullptr, group);
        const EvaluationResult shared =
            evaluate_rows(compare_texts(texts, topics), topics, topics, options, group);
        if (group.rank() == 0) {
          expect_equal(found, alone);
          expect_equal(shared, baseline);
        } else {
          EXPECT_TRUE(found.metrics.empty() && found.intervals.empty() && shared.metrics.empty());
        }
      });
  }
}

TEST(EvaluateRows, StandsTinySets) {
  EXPECT_FALSE(evaluate_rows({at::ones({1, 3}), {4}}).metrics.find("recall_at_1"));
  EXPECT_FALSE(evaluate_rows({at::ones({0, 3}), {}}).metrics.find("eer"));
  EXPECT_EQ(*evaluate_rows({at::ones({2, 3}), {4, 4}}).metrics.find("recall_at_1"), 1);
}

TEST(PixelBaseline, FlattensAndScales) {
  const at::Tensor bytes = at::arange(24).view({2, 1, 3, 4}).to(at::kByte);
  const at::Tensor rows_ND = pixel_rows(bytes);
  EXPECT_EQ(rows_ND.sizes(), (at::IntArrayRef{2, 12}));
  EXPECT_FLOAT_EQ(rows_ND[1][11].item<float>(), 23.0F / 255);
  EXPECT_FLOAT_EQ(pixel_rows(bytes.to(at::kFloat))[1][11].item<float>(), 23.0F);
  EXPECT_THROW(pixel_rows(at::ones({4})), Error);
}

}  // namespace
}  // namespace lodestone
