#include "sampler/left_out.h"

#include <gtest/gtest.h>

namespace lodestone {
using namespace sampler;
namespace {

TEST(LeftOut, CountsByReasonAndKeepsTheFirstExample) {
  LeftOut out;
  EXPECT_TRUE(out.empty());
  out.add("file|files of a format that is not read (*.bmp)", "a/1.bmp");
  EXPECT_EQ(out.sentences().at(0), "1 file of a format that is not read (*.bmp); the first: a/1.bmp");
  out.add("file|files of a format that is not read (*.bmp)", "a/2.bmp", 2);
  out.add("devices, as a cached index has them", "", 1);
  out.add("lines without a text", "x.csv:3", 0);
  LeftOut both;
  both.add(out);
  both.add(out);
  EXPECT_EQ(both.count(), 8);
  EXPECT_EQ(both.sentences(),
            (std::vector<std::string>{"2 devices, as a cached index has them",
                                      "6 files of a format that is not read (*.bmp); the first: a/1.bmp"}));
}

}  // namespace
}  // namespace lodestone
