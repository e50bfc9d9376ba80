// What a step says of the contrast, and when it is a collapse. The sequences follow those of real runs.
#include "trainer/engine/health.h"

#include <cmath>
#include <functional>
#include <numbers>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/objectives.h"

namespace lodestone::testing {
using namespace engine;
using namespace losses;
using namespace negatives;
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kWindow = CollapseWatch::kWindow;

/// A step of unit rows with these mean distances.
StepMetrics step_of(double loss, double positive, double negative) {
  StepMetrics metrics;
  metrics.loss = loss;
  metrics.learning_rate = 0.01;
  metrics.health.positive_distance = positive;
  metrics.health.negative_distance = negative;
  metrics.health.positive_similarity = 1 - positive * positive / 2;
  metrics.health.negative_similarity = 1 - negative * negative / 2;
  return metrics;
}

/// Looks at `count` steps of a run in turn.
class Watched {
 public:
  explicit Watched(const Case& c) : made_(c) {}

  /// What it said of these steps.
  std::vector<std::string> see(int count, const std::function<StepMetrics(int)>& step) {
    std::vector<std::string> said;
    for (int i = 0; i < count; ++i) {
      StepMetrics metrics = step(i);
      metrics.step = ++steps_;
      if (const auto sentence = watch_.observe(metrics, made_.objective())) said.push_back(*sentence);
    }
    return said;
  }
  std::vector<std::string> see(int count, const StepMetrics& step) {
    return see(count, [&](int) { return step; });
  }

 private:
  MadeCase made_;
  CollapseWatch watch_;
  int64_t steps_ = 0;
};

Case batch_hard() {
  return {"triplet", "margin: 0.2", "batch_hard"};
}
Case supcon() {
  return {"supcon", "temperature: 0.05", "all"};
}

/// Distances that fall from 0.5 by a tenth a step, to 0.005.
double falling(int step) {
  return std::max(0.5 * std::pow(0.9, step), 0.005);
}

TEST(Health, OfAStep) {
  StepLoss step;
  step.active = 3;
  step.valid = 4;
  step.same_sample = 7;
  step.health = {0.5, 0.75, 0.625, 0.25, 0.875, 0.5, 0.125, -2, 12};
  const MadeCase made({"supcon", "temperature: 0.25, learn_temperature: true", "all"});
  const ContrastiveHealth health = health_of(step, made.objective());
  EXPECT_EQ(health.active_ratio, 0.75);
  EXPECT_EQ(health.positive_distance, 0.5);
  EXPECT_EQ(health.hardest_negative_distance, 0.25);
  EXPECT_EQ(health.negative_similarity, 0.5);
  EXPECT_EQ(health.alignment, 0.125);
  EXPECT_EQ(health.uniformity, -2);
  EXPECT_EQ(health.effective_rank, 12);
  EXPECT_EQ(health.masked_pairs, 7);
  EXPECT_NEAR(health.temperature.value(), 0.25, 1e-12);
  EXPECT_NEAR(health.loss_parameters.at("logit_scale"), std::log(4), 1e-12);
  EXPECT_FALSE(health.memory_age_mean || health.memory_age_max);
}

TEST(Health, LeavesOutWhatThereIsNot) {
  StepLoss step;
  step.health.negative_distance = 1;
  step.health.effective_rank = 5;
  const ContrastiveHealth lone = health_of(step, MadeCase({"margin", "beta: 0.75", "all"}).objective());
  EXPECT_FALSE(lone.active_ratio);
  EXPECT_FALSE(lone.positive_distance || lone.hardest_positive_distance || lone.positive_similarity ||
               lone.alignment);
  EXPECT_EQ(lone.negative_distance, 1);
  EXPECT_FALSE(lone.temperature);
  EXPECT_EQ(lone.loss_parameters.at("beta"), 0.75);
  // Rows that are all zero have pairs, of distance and cosine 0.
  const ContrastiveHealth zero = health_of({}, MadeCase(batch_hard()).objective());
  EXPECT_EQ(zero.negative_distance, 0);
  EXPECT_EQ(zero.effective_rank, 0);
}

TEST(Health, LossOfEqualEmbeddings) {
  const auto of = [](const Case& c) { return loss_of_equal_embeddings(MadeCase(c).objective()); };
  EXPECT_NEAR(of(batch_hard()).value(), 0.2, 1e-12);
  EXPECT_NEAR(of({"triplet", "soft_margin: true", "all"}).value(), std::numbers::ln2, 1e-12);
  EXPECT_NEAR(of({"triplet", "margin: 0.5, distance: squared_l2, reduction: all", "all", false}).value(), 0.5,
              1e-12);
  EXPECT_NEAR(of({"contrastive", "margin: 0.7", "all"}).value(), 0.7, 1e-12);
  EXPECT_NEAR(of({"contrastive", "distance: cosine", "all"}).value(), 1, 1e-12);
  EXPECT_NEAR(of({"margin", "margin: 0.2, beta: 1.2", "all"}).value(), 1.4, 1e-12);
  EXPECT_FALSE(of(supcon()));
  EXPECT_FALSE(of({"proxy_nca", "", "all"}));
  EXPECT_FALSE(of({"contrastive", "distance: cosine", "all", false}));
}

TEST(Health, EveryLossCanBeAsked) {
  for (const auto& loss : loss_table()) {
    Watched watched({loss.name, "", "all"});
    EXPECT_LE(watched.see(2 * kWindow, step_of(1, 0.004, 0.005)).size(), 1U) << loss.name;
  }
}

TEST(Collapse, OfBatchHardIsReportedOnceWithTheRemedy) {
  Watched watched(batch_hard());
  const auto said =
      watched.see(400, [](int i) { return step_of(0.2 + falling(i) / 3, 0.8 * falling(i), falling(i)); });
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], HasSubstr("stuck at 0.2"));
  EXPECT_THAT(said[0], HasSubstr("equal embeddings give 0.2"));
  EXPECT_THAT(said[0], HasSubstr("semi_hard"));
  EXPECT_THAT(said[0], Not(HasSubstr("\n")));
}

TEST(Collapse, OfEachFamily) {
  const std::vector<std::pair<Case, double>> families = {
      {{"triplet", "soft_margin: true", "batch_hard"}, std::numbers::ln2},
      {{"triplet", "margin: 0.5", "semi_hard"}, 0.5},
      {{"contrastive", "margin: 1", "all"}, 1},
      {{"margin", "", "distance_weighted"}, 1.4},
      {supcon(), 4.1431},
      {{"clip", "", "all"}, 5.5},
      {{"multi_similarity", "", "all"}, 0.75},
      {{"proxy_anchor", "", "all"}, 9}};
  for (const auto& [c, stuck] : families) {
    Watched watched(c);
    const auto said = watched.see(
        300, [&](int i) { return step_of(stuck + 0.2 * falling(i), 0.7 * falling(i), falling(i)); });
    EXPECT_EQ(said.size(), 1U) << c;
    for (const auto& sentence : said) EXPECT_THAT(sentence, HasSubstr("learning_rate")) << c;
  }
}

TEST(Collapse, ToZeroOfRowsThatAreNotNormalised) {
  Watched watched({"triplet", "margin: 0.2", "all", false});
  StepMetrics step = step_of(0.2, 0, 0);
  step.health.positive_similarity = step.health.negative_similarity = 0;
  const auto said = watched.see(2 * kWindow, step);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], HasSubstr("normalize: true"));
}

TEST(Collapse, IsReportedAgainAfterARecovery) {
  Watched watched(supcon());
  const StepMetrics equal = step_of(4.14, 0.004, 0.005), apart = step_of(2, 0.4, 1);
  EXPECT_EQ(watched.see(3 * kWindow, equal).size(), 1U);
  EXPECT_EQ(watched.see(kWindow - 1, apart).size(), 0U);
  EXPECT_EQ(watched.see(3 * kWindow, equal).size(), 0U) << "it had not recovered";
  EXPECT_EQ(watched.see(2 * kWindow, apart).size(), 0U);
  EXPECT_EQ(watched.see(3 * kWindow, equal).size(), 1U);
}

TEST(NoCollapse, BeforeTheWindowIsFull) {
  Watched watched(batch_hard());
  EXPECT_EQ(watched.see(kWindow - 1, step_of(0.2, 0.004, 0.005)).size(), 0U);
}

TEST(NoCollapse, WhenRandomWeightsBeginNarrowAndSpread) {
  Watched watched(supcon());
  EXPECT_EQ(watched
                .see(200,
                     [](int i) {
                       const double negative = 0.05 * std::pow(1.01, i);
                       return step_of(4.1, 0.9 * negative, negative);
                     })
                .size(),
            0U);
}

TEST(NoCollapse, WhenWarmUpHasHardlyMovedYet) {
  Watched watched(batch_hard());
  const auto warming = [](int i) {
    StepMetrics step = step_of(0.2, 0.045, 0.05);
    step.learning_rate = 1e-5 * (i + 1);
    return step;
  };
  EXPECT_EQ(watched.see(500, warming).size(), 0U);
  EXPECT_EQ(watched.see(2 * kWindow, step_of(0.2, 0.045, 0.05)).size(), 1U) << "after it, it should have";
}

TEST(NoCollapse, WhenAContractionIsShort) {
  Watched watched(supcon());
  EXPECT_EQ(
      watched
          .see(300, [](int i) { return i < 30 ? step_of(4.1431, 0.0001, 0.0002) : step_of(3.5, 0.2, 0.4); })
          .size(),
      0U);
}

TEST(NoCollapse, WhenTheLossIsSmall) {
  Watched solved(batch_hard()), fine(supcon()), narrow({"triplet", "margin: 0.01", "all"});
  EXPECT_EQ(solved.see(300, step_of(0.0001, 0.1, 1.4)).size(), 0U);
  EXPECT_EQ(fine.see(300, step_of(0.001, 0.02, 0.12)).size(), 0U) << "equal by cosine, but told apart";
  EXPECT_EQ(narrow.see(300, step_of(0.002, 0.08, 0.12)).size(), 0U)
      << "a small margin is met within a small space";
}

TEST(NoCollapse, WhenTheLossIsAtTheMarginButRowsAreApart) {
  Watched watched({"triplet", "margin: 0.2", "all"});
  EXPECT_EQ(watched.see(300, step_of(0.2, 1.4, 1.4)).size(), 0U);
}

TEST(NoCollapse, WhenTheLossStillFalls) {
  Watched watched(supcon());
  EXPECT_EQ(watched.see(150, [](int i) { return step_of(4 * std::pow(0.998, i), 0.08, 0.12); }).size(), 0U);
}

TEST(NoCollapse, WhenThereIsNothingToCompareWith) {
  Watched watched(supcon());
  EXPECT_EQ(watched.see(3 * kWindow, StepMetrics{}).size(), 0U);
}

}  // namespace
}  // namespace lodestone::testing
