#include "common/printable.h"

#include <gtest/gtest.h>

#include "common/json_text.h"

namespace lodestone {
namespace {

TEST(Printable, EscapesWhatCouldForgeALineOrCommandATerminal) {
  EXPECT_EQ(printable("new\nline 00:00:00 error FAKE"), "new\\nline 00:00:00 error FAKE");
  EXPECT_EQ(printable("\x1b[31mred\r\t\x7f"), "\\x1b[31mred\\r\\t\\x7f");
  EXPECT_EQ(printable("one\u2028two \u202Eback"), "one\\xe2\\x80\\xa8two \\xe2\\x80\\xaeback");
  EXPECT_EQ(printable("\u009b31m"), "\\xc2\\x9b31m");  // CSI as one character
}

TEST(Printable, KeepsNamesOfAllScriptsAndEscapesBytesThatAreNone) {
  EXPECT_EQ(printable("Größe/Ωμέγα/猫/👩‍🔬.png"), "Größe/Ωμέγα/猫/👩‍🔬.png");
  EXPECT_EQ(printable("d\xe9ss"), "d\\xe9ss");
  EXPECT_EQ(printable(""), "");
}

TEST(JsonText, WritesNamesThatAreNotUtf8) {
  EXPECT_EQ(json_text({{"name", "d\xe9"}}), "{\"name\":\"d\uFFFD\"}");
  EXPECT_EQ(json_text(nlohmann::json::array({1, 2}), 1), "[\n 1,\n 2\n]");
}

}  // namespace
}  // namespace lodestone
