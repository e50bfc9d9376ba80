#include "trainer/engine/schedule.h"

#include <gtest/gtest.h>

namespace lodestone {
namespace {

TEST(Schedule, WarmsUpLinearlyThenFollowsTheCosine) {
  Schedule s;
  s.steps = 110;
  s.warmup_steps = 10;
  EXPECT_DOUBLE_EQ(s.factor(0), 0.1);
  EXPECT_DOUBLE_EQ(s.factor(9), 1.0);
  EXPECT_DOUBLE_EQ(s.factor(10), 1.0);
  EXPECT_NEAR(s.factor(60), 0.5, 1e-12);
  EXPECT_NEAR(s.factor(110), 0.0, 1e-12);
  EXPECT_NEAR(s.factor(1000), 0.0, 1e-12);
  s.final_fraction = 0.2;
  EXPECT_NEAR(s.factor(110), 0.2, 1e-12);
  s.shape = "constant";
  EXPECT_DOUBLE_EQ(s.factor(105), 1.0);
}

}  // namespace
}  // namespace lodestone
