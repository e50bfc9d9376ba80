#include "trainer/eval/headline.h"

#include <limits>

#include <gtest/gtest.h>

namespace lodestone {
using namespace eval;
namespace {

using enum Subject;

constexpr Subject kSubjects[] = {kClasses,     kVerification, kPairs,   kLabelledPairs,
                                 kGradedPairs, kTriplets,     kCaptions};

std::vector<std::string> names_of(const std::vector<Metric>& metrics) {
  std::vector<std::string> names;
  for (const Metric& metric : metrics) names.emplace_back(metric.name);
  return names;
}

TEST(Headline, ExplainsWhatItPutsForward) {
  for (const Subject subject : kSubjects) {
    const auto metrics = headline_metrics(subject);
    EXPECT_FALSE(metrics.empty());
    for (const Metric& metric : metrics) {
      EXPECT_STRNE(metric.name, "");
      EXPECT_STRNE(metric.meaning, "") << metric.name;
    }
    // Charts over the run and the gauges show the main metric too.
    if (subject != kLabelledPairs) {
      EXPECT_TRUE(metrics.front().followed) << metrics.front().name;
    }
  }
}

TEST(Headline, IsOfTheSubject) {
  Metrics all;
  for (const Metric& metric : metric_table()) all.set(metric.name, 0.5);
  all.set("accuracy_folds", 10);
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_of(headline_of(kClasses, all)),
            (Names{"recall_at_1", "map_at_r", "eer", "one_shot_accuracy"}));
  EXPECT_EQ(names_of(headline_of(kVerification, all)),
            (Names{"eer", "tar_at_far_1e-3", "accuracy", "recall_at_1"}));
  EXPECT_EQ(names_of(headline_of(kLabelledPairs, all)).front(), "accuracy");
  EXPECT_EQ(names_of(headline_of(kGradedPairs, all)), Names{"spearman"});
  EXPECT_EQ(names_of(headline_of(kTriplets, all)), Names{"triplet_accuracy"});
  EXPECT_EQ(names_of(headline_of(kCaptions, all)).at(1), "text_to_image_recall_at_1");
}

// Of four classes there are two folds, and the figure is luck.
TEST(Headline, LeavesOutTheAccuracyOfFewFolds) {
  Metrics metrics;
  metrics.set("eer", 0.1);
  metrics.set("accuracy", 0.75);
  for (const double folds : {2.0, 4.0, 5.0, 10.0}) {
    metrics.set("accuracy_folds", folds);
    EXPECT_EQ(names_of(headline_of(kVerification, metrics)).size(), folds < 5 ? 1U : 2U) << folds;
  }
}

TEST(Headline, LeavesOutWhatIsUndefined) {
  Metrics metrics;
  metrics.set("recall_at_1", 0.918);
  metrics.set("map_at_r", std::numeric_limits<double>::quiet_NaN());
  metrics.set("accuracy", 0.97);
  Metrics baseline;
  baseline.set("recall_at_1", 0.618);
  EXPECT_EQ(names_of(headline_of(kClasses, metrics)), (std::vector<std::string>{"recall_at_1", "accuracy"}));
  EXPECT_EQ(format_headline(kClasses, metrics, baseline),
            "recall_at_1 91.80 % (baseline 61.80 %), accuracy 97.00 %");
  EXPECT_EQ(format_headline(kGradedPairs, metrics, baseline), "");
}

}  // namespace
}  // namespace lodestone
