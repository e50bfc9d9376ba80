#include "trainer/report/sheet.h"

#include <set>

#include <gtest/gtest.h>

#include "eval/rows_for_tests.h"

namespace lodestone {
using namespace eval;
using namespace report;
namespace {

TEST(Sheet, ShowsTheNearestAndTheWorst) {
  // Class 1 has a member (row 4) in the middle of class 0: it is the hardest.
  const LabelledRows rows{rows_of({{0}, {1}, {2}, {100}, {1.4F}, {101}, {500}}), {0, 0, 0, 1, 1, 1, 2}};
  SheetOptions options;
  options.similarity = Similarity::kL2;
  options.neighbours = 2;
  options.worst = 5;
  const SheetPlan plan = plan_sheet(rows, options);
  ASSERT_EQ(plan.sample.size(), 6U);  // the lone row 6 is never shown
  ASSERT_EQ(plan.worst.size(), 2U);   // one of each class
  EXPECT_EQ(plan.worst[0].query, 4);
  EXPECT_EQ(plan.worst[0].nearest[0].index, 1);
  EXPECT_FALSE(plan.worst[0].nearest[0].relevant);
  EXPECT_EQ(plan.worst[0].relevant, 2);
  EXPECT_NEAR(plan.worst[0].margin, -98.6 * 98.6 + 0.4 * 0.4, 0.1);
  for (const SheetQuery& query : plan.sample) EXPECT_EQ(query.nearest.size(), 2U);
}

TEST(Sheet, TheWorstAreWrong) {
  // Two classes far apart: every query's nearest is right.
  const LabelledRows rows{rows_of({{0}, {1}, {2}, {100}, {101}, {103}}), {0, 0, 0, 1, 1, 1}};
  const SheetPlan plan = plan_sheet(rows, {.similarity = Similarity::kL2});
  EXPECT_EQ(plan.sample.size(), 6U);
  EXPECT_TRUE(plan.worst.empty());
  // A tie goes against the model.
  const LabelledRows tied{rows_of({{0}, {2}, {1}, {100}}), {0, 0, 1, 1}};
  for (const SheetQuery& query : plan_sheet(tied, {.similarity = Similarity::kL2}).worst)
    EXPECT_LE(query.margin, 0);
}

TEST(Sheet, SampleIsDecidedByTheSeedAlone) {
  LabelledRows rows = clustered_rows(1, 60, 6, 12, 0.5);
  const auto queries = [](const SheetPlan& plan) {
    std::vector<int64_t> found;
    for (const SheetQuery& query : plan.sample) found.push_back(query.query);
    return found;
  };
  const auto first = queries(plan_sheet(rows, {.seed = 3}));
  EXPECT_EQ(std::set<int64_t>(first.begin(), first.end()).size(), 12U);
  rows.x_ND = clustered_rows(2, 60, 6, 12, 0.5).x_ND;
  EXPECT_EQ(queries(plan_sheet(rows, {.seed = 3})), first);
  EXPECT_NE(queries(plan_sheet(rows, {.seed = 4})), first);
}

}  // namespace
}  // namespace lodestone
