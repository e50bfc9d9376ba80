#include "trainer/engine/schedule.h"

#include <cmath>

#include <gtest/gtest.h>

namespace lodestone {
namespace {

Schedule schedule(const char* shape, double final_fraction = 0) {
  Schedule s;
  s.steps = 110;
  s.warmup_steps = 10;
  s.shape = shape;
  s.final_fraction = final_fraction;
  return s;
}

TEST(Schedule, WarmsUpLinearlyWhateverFollows) {
  for (const char* shape : {"cosine", "linear", "polynomial", "step", "constant"}) {
    const Schedule s = schedule(shape);
    EXPECT_DOUBLE_EQ(s.factor(0), 0.1) << shape;
    EXPECT_DOUBLE_EQ(s.factor(9), 1.0) << shape;
    EXPECT_DOUBLE_EQ(s.factor(10), 1.0) << shape;
  }
}

TEST(Schedule, FollowsItsShapeDownToTheFinalFraction) {
  EXPECT_NEAR(schedule("cosine").factor(60), 0.5, 1e-12);
  EXPECT_NEAR(schedule("cosine").factor(35), 0.5 * (1 + std::sqrt(0.5)), 1e-12);
  EXPECT_NEAR(schedule("linear").factor(35), 0.75, 1e-12);
  EXPECT_NEAR(schedule("polynomial").factor(35), 0.75 * 0.75, 1e-12);
  EXPECT_NEAR(schedule("linear", 0.2).factor(35), 0.2 + 0.8 * 0.75, 1e-12);
  EXPECT_DOUBLE_EQ(schedule("constant").factor(105), 1.0);
  for (const char* shape : {"cosine", "linear", "polynomial"})
    for (const int64_t step : {110, 1000}) {
      EXPECT_NEAR(schedule(shape).factor(step), 0.0, 1e-12) << shape;
      EXPECT_NEAR(schedule(shape, 0.2).factor(step), 0.2, 1e-12) << shape;
    }
}

TEST(Schedule, DropsAtMilestonesButNotBelowTheFinalFraction) {
  Schedule s = schedule("step", 0.02);
  s.milestones = {40, 60, 80};
  s.drop = 0.2;
  EXPECT_DOUBLE_EQ(s.factor(39), 1.0);
  EXPECT_DOUBLE_EQ(s.factor(40), 0.2);
  EXPECT_NEAR(s.factor(79), 0.04, 1e-12);
  EXPECT_DOUBLE_EQ(s.factor(80), 0.02);
}

}  // namespace
}  // namespace lodestone
