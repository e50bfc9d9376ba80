#include "common/utf8.h"

#include <gtest/gtest.h>

namespace lodestone {
namespace {

TEST(PlainName, IsOneForNamesThatLookAlike) {
  for (const char* name : {"caf\u00e9", "cafe\u0301", " caf\u00e9", "cafe\u0301\t", "\u00a0caf\u00e9\u200b"})
    EXPECT_EQ(plain_name(name), "caf\u00e9") << name;
}

TEST(PlainName, KeepsWhatIsSeen) {
  for (const char* name : {"A", "a", "a b", "a  b", "\uff21", "\u2764\ufe0f", "\xff x", ""})
    EXPECT_EQ(plain_name(name), name);
  EXPECT_EQ(plain_name(" \u3000"), "");
}

}  // namespace
}  // namespace lodestone
