#include "trainer/eval/judge.h"

#include <fstream>
#include <sstream>

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "eval/rows_for_tests.h"
#include "support/ranks.h"
#include "trainer/eval/pixel_floor.h"
#include "trainer/eval/tf_idf.h"

namespace lodestone {
namespace {

TEST(Judge, GivesEveryMeasureItsKnownName) {
  const Judgement found = judge(clustered_rows(1, 100, 8, 25, 0.5));
  // Trials, triplets (2 measures), graded pairs (2) and pictures with captions (8) are judged elsewhere.
  EXPECT_EQ(found.measures.entries().size(), metric_table().size() - 13);
  for (const auto& [name, value] : found.measures.entries()) {
    EXPECT_STRNE(find_metric(name).title, "") << name;
    EXPECT_TRUE(found.measures.find(name)) << name;
  }
  EXPECT_FALSE(found.roc.empty());
  EXPECT_EQ(found.distances.positives.size(), 40U);
}

TEST(Judge, PutsModelAndFloorThroughTheSameCode) {
  // Pictures whose pixels are the embedding: the floor on them is the judgement of the embedding itself.
  const LabelledRows rows = clustered_rows(2, 60, 12, 15, 1);
  const LabelledRows pixels{pixel_rows(rows.x_ND.view({60, 1, 3, 4})), rows.groups_N};
  JudgeOptions options;
  options.retrieval.likeness = Likeness::kL2;
  const Measures model = judge(rows, options).measures;
  const Measures floor = judge(pixels, options).measures;
  EXPECT_EQ(to_json(model), to_json(floor));
  EXPECT_FALSE(floor.find("alignment"));
}

void expect_equal(const Judgement& a, const Judgement& b) {
  EXPECT_EQ(to_json(a.measures), to_json(b.measures));
  EXPECT_EQ(to_json(a.intervals), to_json(b.intervals));
  EXPECT_EQ(a.distances.positives, b.distances.positives);
  ASSERT_EQ(a.roc.size(), b.roc.size());
  for (size_t k = 0; k < a.roc.size(); ++k) EXPECT_EQ(a.roc[k].threshold, b.roc[k].threshold);
}

TEST(Judge, IsTheSameOnAnyNumberOfRanks) {
  const TfIdf texts({"one fish", "two fish", "red fish", "blue fish", "one"});
  const std::vector<int64_t> topics = {0, 0, 1, 1, 0};
  JudgeOptions options;
  options.bootstrap = {20, 0.95, 3};
  for (const LabelledRows& rows :
       {clustered_rows(3, 90, 6, 20, 1.1), coarse_rows(4, 3, 4, 2), LabelledRows{at::ones({0, 3}), {}}}) {
    const Judgement alone = judge(rows, options);
    const Judgement floor = judge(compare_texts(texts, topics), topics, topics, options);
    for (const int world : {1, 2, 3, 4})
      testing::run_ranks(world, [&](const Group& group) {
        const Judgement found = judge(rows, options, nullptr, group);
        const Judgement shared = judge(compare_texts(texts, topics), topics, topics, options, group);
        if (group.rank() == 0) {
          expect_equal(found, alone);
          expect_equal(shared, floor);
        } else {
          EXPECT_TRUE(found.measures.empty() && found.intervals.empty() && shared.measures.empty());
        }
      });
  }
}

TEST(Judge, StandsTinySets) {
  EXPECT_FALSE(judge({at::ones({1, 3}), {4}}).measures.find("recall_at_1"));
  EXPECT_FALSE(judge({at::ones({0, 3}), {}}).measures.find("eer"));
  EXPECT_EQ(*judge({at::ones({2, 3}), {4, 4}}).measures.find("recall_at_1"), 1);
}

TEST(PixelFloor, FlattensAndScales) {
  const at::Tensor bytes = at::arange(24).view({2, 1, 3, 4}).to(at::kByte);
  const at::Tensor rows_ND = pixel_rows(bytes);
  EXPECT_EQ(rows_ND.sizes(), (at::IntArrayRef{2, 12}));
  EXPECT_FLOAT_EQ(rows_ND[1][11].item<float>(), 23.0F / 255);
  EXPECT_FLOAT_EQ(pixel_rows(bytes.to(at::kFloat))[1][11].item<float>(), 23.0F);
  EXPECT_THROW(pixel_rows(at::ones({4})), Error);
}

}  // namespace
}  // namespace lodestone
