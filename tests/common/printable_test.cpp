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
  const std::vector<std::pair<std::string, std::string>> written = {
      {"\xe9", "\uFFFD"},                                  // Latin-1
      {"a\xc3", "a\uFFFD"},                                // cut in the middle of a letter
      {"\xc0\xaf", "\uFFFD\uFFFD"},                        // a slash in more bytes than it has
      {"\xf4\x90\x80\x80x", "\uFFFD\uFFFD\uFFFD\uFFFDx"},  // beyond the last letter
      {"\xe7\x8c\xab", "\xe7\x8c\xab"},
      {"q\"\\\n\x01", "q\\\"\\\\\\n\\u0001"}};
  for (const auto& [name, text] : written) {
    EXPECT_EQ(json_text({{"name", name}}), "{\"name\":\"" + text + "\"}");
    EXPECT_EQ(json_text({{name, 1}}), "{\"" + text + "\":1}") << "as a key, too";
  }
  EXPECT_EQ(json_text(nlohmann::json::array({1, 2}), 1), "[\n 1,\n 2\n]");
}

}  // namespace
}  // namespace lodestone
