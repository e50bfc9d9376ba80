#include "trainer/search/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "support/texts.h"

namespace lodestone {
using namespace eval;
using namespace search;
namespace {

using ::lodestone::testing::message_of;
using ::testing::HasSubstr;

EvaluationResult judged(const std::vector<double>& positives, const std::vector<double>& negatives,
                        double far) {
  EvaluationResult result;
  result.roc = roc_curve(positives, negatives);
  result.operating_point = operating_point(positives, negatives, far);
  return result;
}

TEST(Calibration, AcceptsAtMostTheShareThatWasAskedFor) {
  const std::vector<double> positives = {0.9, 0.8, 0.6, 0.35};
  const std::vector<double> negatives = {0.7, 0.4, 0.3, 0.2, 0.1, 0.0, -0.1, -0.2, -0.3, -0.4};
  const auto curve = roc_curve(positives, negatives);
  for (const double far : {0.0, 0.1, 0.25, 0.5}) {
    const Calibration found = calibrate(judged(positives, negatives, far), far, Similarity::kCosine);
    double accepted = 0, right = 0;
    for (const double score : negatives) accepted += found.same(score) ? 0.1 : 0;
    for (const double score : positives) right += found.same(score) ? 0.25 : 0;
    EXPECT_NEAR(accepted, found.measured_far, 1e-12) << far;
    EXPECT_LE(found.measured_far, far);
    EXPECT_NEAR(right, tar_at_far(curve, far), 1e-12) << far;
  }
  // 0.35 accepts all that are the same: the lowest threshold is below it.
  EXPECT_EQ(calibrate(judged(positives, negatives, 0.5), 0.5, Similarity::kCosine).threshold, 0.1);
}

TEST(Calibration, SaysWhyThereIsNoThreshold) {
  const auto refused = [](const EvaluationResult& result) {
    return message_of<DataError>([&] { calibrate(result, 0.1, Similarity::kCosine); });
  };
  EXPECT_THAT(refused(judged({0.5}, {0.9}, 0.1)), HasSubstr("false accept rate of 0.1, got none"));
  EXPECT_THAT(refused(judged({0.5}, {}, 0.1)), HasSubstr("got one kind alone"));
  EvaluationResult other;
  other.subject = Subject::kGradedPairs;
  EXPECT_THAT(refused(other), HasSubstr("got pairs with a grade, which do not say what is the same"));
  other.subject = Subject::kCaptions;
  EXPECT_THAT(refused(other), HasSubstr("got images with captions"));
  other.subject = Subject::kTriplets;
  EXPECT_THAT(refused(other), HasSubstr("got triplets"));
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
