// Steps that teach nothing, and what is said of them.
#include "trainer/engine/still_watch.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lodestone::testing {
using namespace engine;
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kWindow = StillWatch::kWindow;

/// A step that teaches something: anchors with positives and negatives, a loss and a gradient.
StepMetrics lively() {
  StepMetrics metrics;
  metrics.loss = 0.7;
  metrics.gradient_norm = 0.1;
  metrics.health.active_ratio = 0.5;
  metrics.health.positive_distance = 0.4;
  metrics.health.negative_distance = 1.1;
  return metrics;
}

StepMetrics without_positives() {
  StepMetrics metrics = lively();
  metrics.loss = 0;
  metrics.gradient_norm = 0;
  metrics.health.active_ratio.reset();
  metrics.health.positive_distance.reset();
  return metrics;
}

class Watched {
 public:
  std::vector<std::string> see(int count, const StepMetrics& step) {
    std::vector<std::string> said;
    for (int i = 0; i < count; ++i) {
      StepMetrics metrics = step;
      metrics.step = ++steps_;
      if (const auto sentence = watch_.observe(metrics)) said.push_back(*sentence);
    }
    return said;
  }

 private:
  StillWatch watch_;
  int64_t steps_ = 0;
};

TEST(StillWatch, SaysNothingOfTrainingThatLearns) {
  EXPECT_THAT(Watched().see(10 * kWindow, lively()), IsEmpty());
}

TEST(StillWatch, NamesAnchorsWithoutAPositiveOnce) {
  Watched run;
  EXPECT_THAT(run.see(kWindow - 1, without_positives()), IsEmpty());
  EXPECT_THAT(run.see(1, without_positives()),
              ElementsAre(AllOf(HasSubstr("for 20 steps, up to step 20, no anchor has a positive"),
                                HasSubstr("samples_per_class"), HasSubstr("sampler.name: two_views"))));
  EXPECT_THAT(run.see(5 * kWindow, without_positives()), IsEmpty());
}

TEST(StillWatch, AStepThatLearnsResetsTheCount) {
  Watched run;
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(run.see(kWindow - 1, without_positives()), IsEmpty());
    EXPECT_THAT(run.see(1, lively()), IsEmpty());
  }
}

TEST(StillWatch, DistinguishesTheReasons) {
  StepMetrics one_class = lively();
  one_class.loss = 0;
  one_class.health.negative_distance.reset();
  StepMetrics nothing_picked = lively();
  nothing_picked.loss = 0;
  nothing_picked.health.active_ratio.reset();
  StepMetrics learned = lively();
  learned.loss = 0;
  learned.health.active_ratio = 0;
  StepMetrics dead = lively();
  dead.gradient_norm = 0;
  const std::vector<std::pair<StepMetrics, std::string>> reasons = {{one_class, "no anchor has a negative"},
                                                                    {nothing_picked, "the miner selects no"},
                                                                    {learned, "the loss is exactly 0"},
                                                                    {dead, "the gradient is exactly 0"}};
  Watched run;  // each is reported, though another was before
  for (const auto& [step, what] : reasons) EXPECT_THAT(run.see(kWindow, step), ElementsAre(HasSubstr(what)));
  for (const auto& [step, what] : reasons) EXPECT_THAT(run.see(kWindow, step), IsEmpty()) << what;
}

TEST(StillWatch, AStepThatIsNotFiniteOrOverflowsIsOfAnotherKind) {
  StepMetrics broken;
  broken.loss = std::numeric_limits<double>::quiet_NaN();
  StepMetrics overflow = lively();
  overflow.gradient_norm.reset();
  Watched run;
  EXPECT_THAT(run.see(2 * kWindow, broken), IsEmpty());
  EXPECT_THAT(run.see(2 * kWindow, overflow), IsEmpty());
}

}  // namespace
}  // namespace lodestone::testing
