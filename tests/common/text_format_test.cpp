#include "common/text_format.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace lodestone {
namespace {

TEST(TextFormat, WritesDecimalsWithoutTheSignOfZero) {
  EXPECT_EQ(decimal(0.25, 2), "0.25");
  EXPECT_EQ(decimal(-0.25, 2), "-0.25");
  EXPECT_EQ(decimal(-0.00001, 4), "0.0000");
  EXPECT_EQ(decimal(-0.0, 0), "0");
  EXPECT_EQ(decimal(-0.00005001, 4), "-0.0001");
}

TEST(TextFormat, FillsGapsInOrder) {
  EXPECT_EQ(fill("{} of {}", {"2", "3"}), "2 of 3");
  EXPECT_EQ(fill("{} of {}", {"2"}), "2 of {}");
  EXPECT_EQ(joined(std::vector<std::string>{"a", "b", "c"}), "a, b, c");
}

}  // namespace
}  // namespace lodestone
