#include "trainer/search/calibration.h"

#include <gtest/gtest.h>

#include "common/files.h"

namespace lodestone {
using namespace eval;
using namespace search;
namespace {

TEST(Calibration, AcceptsAtMostTheShareThatWasAskedFor) {
  const std::vector<double> positives = {0.9, 0.8, 0.6, 0.35};
  const std::vector<double> negatives = {0.7, 0.4, 0.3, 0.2, 0.1, 0.0, -0.1, -0.2, -0.3, -0.4};
  const auto curve = roc_curve(positives, negatives);
  for (const double far : {0.0, 0.1, 0.25, 0.5}) {
    const Calibration found = calibrate(curve, far, Similarity::kCosine);
    double accepted = 0, right = 0;
    for (const double score : negatives) accepted += found.same(score) ? 0.1 : 0;
    for (const double score : positives) right += found.same(score) ? 0.25 : 0;
    EXPECT_NEAR(accepted, found.measured_far, 1e-12) << far;
    EXPECT_LE(found.measured_far, far);
    EXPECT_NEAR(right, tar_at_far(curve, far), 1e-12) << far;
  }
  EXPECT_THROW(calibrate({}, 0.1, Similarity::kCosine), DataError);
}

TEST(Calibration, StaysWithTheModel) {
  const TempFolder folder;
  const auto file = calibration_file(folder.path());
  EXPECT_FALSE(read_calibration(file));
  write_calibration(file, {-0.25, 0.01, 0.005, 0.9, 12, Similarity::kL2});
  const auto found = read_calibration(file);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->threshold, -0.25);
  EXPECT_EQ(found->step, 12);
  EXPECT_EQ(found->similarity, Similarity::kL2);
  for (const char* other :
       {"{}", "[]", "", R"({"threshold":0,"far":0,"measured_far":0,"tar":0,"step":1e300,"likeness":"l2"})"}) {
    write_file_atomic(file, other);
    EXPECT_THROW(read_calibration(file), DataError) << other;
  }
}

}  // namespace
}  // namespace lodestone
