#include "common/counted.h"

#include <gtest/gtest.h>

namespace lodestone {
namespace {

TEST(Counted, IsOneOrMany) {
  EXPECT_EQ(counted(1, "rank"), "1 rank");
  EXPECT_EQ(counted(0, "rank"), "0 ranks");
  EXPECT_EQ(counted(21, "bad record"), "21 bad records");
  EXPECT_EQ(counted(1, "query", "queries"), "1 query");
  EXPECT_EQ(counted(2, "query", "queries"), "2 queries");
}

}  // namespace
}  // namespace lodestone
