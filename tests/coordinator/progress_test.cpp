#include "trainer/coordinator/metrics/progress.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lodestone {
using namespace coordinator;
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::HasSubstr;

ProgressStyle lines(milliseconds interval) {
  ProgressStyle style;
  style.interval = interval;
  return style;
}

TEST(Progress, PlainLines) {
  std::ostringstream out;
  Progress progress(out, 0, 4, lines(milliseconds(0)));
  for (int64_t step = 1; step <= 4; ++step) progress.update({step, 0.25, 1234.4, "eer 3.20 % at step 2"});
  progress.finish();
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_THAT(text, HasSubstr("step 1/4  loss 0.2500  1234 images/s  ETA "));
  EXPECT_THAT(text, HasSubstr("  eer 3.20 % at step 2"));
  EXPECT_EQ(text.find_first_of("\r\x1b"), std::string::npos);
}

TEST(Progress, OfOtherThingsThanSteps) {
  std::ostringstream out;
  ProgressStyle style = lines(milliseconds(0));
  style.unit = "rows";
  style.step = "row";
  Progress(out, 0, 9, style).update({9, {}, 50});
  EXPECT_EQ(out.str(), "row 9/9  50 rows/s  ETA 0:00\n");
}

TEST(Progress, ASlowRateIsNotNought) {
  std::ostringstream out;
  Progress(out, 0, 9, lines(milliseconds(0))).update({9, {}, 0.42});
  EXPECT_THAT(out.str(), HasSubstr("  0.4 images/s  ETA "));
}

TEST(Progress, AtMostOneLineAnIntervalButTheFirstAndTheLast) {
  std::ostringstream out;
  Progress progress(out, 0, 1000, lines(hours(1)));
  for (int64_t step = 1; step <= 1000; ++step) progress.update({step, 1, 1});
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_THAT(text, HasSubstr("step 1/1000"));
  EXPECT_THAT(text, HasSubstr("step 1000/1000"));
}

TEST(Progress, BarFitsItsTerminal) {
  for (const int width : {2, 10, 40, 60, 80, 200}) {
    std::ostringstream out;
    ProgressStyle style;
    style.terminal = true;
    style.width = width;
    {
      Progress progress(out, 0, 100, style);
      progress.update({100, 0.5, 100});
    }
    const std::string text = out.str();
    EXPECT_EQ(text.front(), '\r');
    EXPECT_EQ(text.substr(text.size() - 4), "\x1b[K\n");
    EXPECT_LT(text.size(), static_cast<size_t>(width) + 5) << width;
    if (width >= 80) {
      EXPECT_THAT(text, HasSubstr("[=="));
    }
  }
}

TEST(Progress, ClearTakesTheBarAway) {
  std::ostringstream out;
  ProgressStyle style;
  style.terminal = true;
  Progress progress(out, 0, 100, style);
  progress.clear();
  EXPECT_EQ(out.str(), "");
  progress.update({1, 0.5, 100});
  progress.clear();
  EXPECT_THAT(out.str(), testing::EndsWith("\r\x1b[K"));
  const size_t before = out.str().size();
  progress.finish();
  EXPECT_EQ(out.str().size(), before);
  progress.update({2, 0.5, 100});
  EXPECT_THAT(out.str(), HasSubstr("2/100"));
}

TEST(Progress, TimeLeftIsOfThisProcessesSteps) {
  std::ostringstream out;
  Progress progress(out, 500, 1000, lines(milliseconds(0)));
  progress.update({500, NAN, 0});
  EXPECT_THAT(out.str(), HasSubstr("loss nan"));
  EXPECT_THAT(out.str(), HasSubstr("ETA ?"));
}

TEST(Progress, Durations) {
  EXPECT_EQ(format_duration(7.4), "0:07");
  EXPECT_EQ(format_duration(754), "12:34");
  EXPECT_EQ(format_duration(3 * 3600 + 4 * 60 + 5), "3:04:05");
  EXPECT_EQ(format_duration(-1), "?");
  EXPECT_EQ(format_duration(INFINITY), "?");
}

}  // namespace
}  // namespace lodestone
