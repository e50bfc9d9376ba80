#include "common/error.h"

#include <gtest/gtest.h>

#include "common/log.h"

namespace lodestone {
namespace {

TEST(Explain, PrintsTheChainOfCauses) {
  try {
    try {
      try {
        throw std::runtime_error("disk on fire");
      } catch (...) {
        std::throw_with_nested(DataError("shard 3: cannot read"));
      }
    } catch (...) {
      std::throw_with_nested(ConfigError("data.path: cannot open"));
    }
  } catch (const std::exception& error) {
    EXPECT_EQ(explain(error),
              "data.path: cannot open\n  because: shard 3: cannot read\n    because: disk on fire");
  }
}

TEST(Log, TagsTheRankAndHidesInfoOfOtherRanks) {
  testing::internal::CaptureStderr();
  make_log(0, 2)->info("step {} of {}", 3, 4.5);
  make_log(1, 2)->info("not shown");
  make_log(1, 2)->warn("shown {}", "text with {braces}");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("[rank 0] step 3 of 4.5"), std::string::npos) << text;
  EXPECT_NE(text.find("[rank 1] shown text with {braces}"), std::string::npos) << text;
  EXPECT_EQ(text.find("not shown"), std::string::npos) << text;
}

}  // namespace
}  // namespace lodestone
