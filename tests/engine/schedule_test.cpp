#include "trainer/engine/schedule.h"

#include <cmath>

#include <gtest/gtest.h>

namespace lodestone {
using namespace engine;
namespace {

Schedule schedule(ScheduleShape shape, double final_fraction = 0) {
  Schedule s;
  s.steps = 110;
  s.warmup_steps = 10;
  s.shape = shape;
  s.final_fraction = final_fraction;
  return s;
}

TEST(Schedule, WarmsUpLinearlyWhateverFollows) {
  for (ScheduleShape shape : {ScheduleShape::kCosine, ScheduleShape::kLinear, ScheduleShape::kPolynomial,
                              ScheduleShape::kStep, ScheduleShape::kConstant}) {
    const Schedule s = schedule(shape);
    EXPECT_DOUBLE_EQ(s.factor(0), 0.1) << static_cast<int>(shape);
    EXPECT_DOUBLE_EQ(s.factor(9), 1.0) << static_cast<int>(shape);
    EXPECT_DOUBLE_EQ(s.factor(10), 1.0) << static_cast<int>(shape);
  }
}

TEST(Schedule, FollowsItsShapeDownToTheFinalFraction) {
  EXPECT_NEAR(schedule(ScheduleShape::kCosine).factor(60), 0.5, 1e-12);
  EXPECT_NEAR(schedule(ScheduleShape::kCosine).factor(35), 0.5 * (1 + std::sqrt(0.5)), 1e-12);
  EXPECT_NEAR(schedule(ScheduleShape::kLinear).factor(35), 0.75, 1e-12);
  EXPECT_NEAR(schedule(ScheduleShape::kPolynomial).factor(35), 0.75 * 0.75, 1e-12);
  EXPECT_NEAR(schedule(ScheduleShape::kLinear, 0.2).factor(35), 0.2 + 0.8 * 0.75, 1e-12);
  EXPECT_DOUBLE_EQ(schedule(ScheduleShape::kConstant).factor(105), 1.0);
  for (ScheduleShape shape : {ScheduleShape::kCosine, ScheduleShape::kLinear, ScheduleShape::kPolynomial})
    for (const int64_t step : {110, 1000}) {
      EXPECT_NEAR(schedule(shape).factor(step), 0.0, 1e-12) << static_cast<int>(shape);
      EXPECT_NEAR(schedule(shape, 0.2).factor(step), 0.2, 1e-12) << static_cast<int>(shape);
    }
}

TEST(Schedule, DropsAtMilestonesButNotBelowTheFinalFraction) {
  Schedule s = schedule(ScheduleShape::kStep, 0.02);
  s.milestones = {40, 60, 80};
  s.drop = 0.2;
  EXPECT_DOUBLE_EQ(s.factor(39), 1.0);
  EXPECT_DOUBLE_EQ(s.factor(40), 0.2);
  EXPECT_NEAR(s.factor(79), 0.04, 1e-12);
  EXPECT_DOUBLE_EQ(s.factor(80), 0.02);
}

}  // namespace
}  // namespace lodestone
