// A configuration of any shape within the bounds is read, or refused, in time in proportion to its size.
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/yaml.h"
#include "support/growth.h"

namespace lodestone {
namespace {

std::string times(size_t n, const std::string& piece) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text += piece;
  return text;
}

struct Shape {
  const char* name;
  const char* head;
  const char* piece;
  const char* tail;
};

TEST(YamlTime, IsLinear) {
  for (const Shape& shape :
       {Shape{"comments", "", "# a: [b\n", "a: b\n"}, Shape{"a long word", "a: ", "b", "\n"},
        Shape{"words", "a: ", "b ", "\n"}, Shape{"colons", "a: ", "b:", "c\n"},
        Shape{"quotes", "a: '", "b''", "'\n"}, Shape{"escapes", "a: \"", "\\n", "\"\n"},
        Shape{"a folded text", "a: >\n", "  b\n", "\n"}, Shape{"a text over lines", "a: b\n", "  b\n", "\n"},
        Shape{"blank lines", "a: b", "\n", "c: d\n"}, Shape{"blanks", "a: b", " ", "\n"},
        Shape{"an open quote", "a: \"", "b\n", ""}, Shape{"a long key", "", "b", ": c\n"},
        Shape{"brackets in a comment", "a: b\n#", "[ ", "\n"}}) {
    SCOPED_TRACE(shape.name);
    testing::expect_linear([&](size_t n) { return shape.head + times(n, shape.piece) + shape.tail; },
                           [](const std::string& text) {
                             try {
                               parse_yaml(text, "run.yaml");
                             } catch (const ConfigError&) {
                             }
                           },
                           1000, 1 << 17);
  }
}

TEST(YamlTime, OfAssignmentsIsLinear) {
  for (const Shape& shape :
       {Shape{"levels", "a", ".a", "=1"}, Shape{"dots", "a", ".", "=1"}, Shape{"a long key", "", "a", "=1"},
        Shape{"a long value", "a=", "b", ""}, Shape{"brackets", "a=", "[", "]"},
        Shape{"items", "a=[", "b,", "c]"}, Shape{"quotes", "a=\"", "\\n", "\""}}) {
    SCOPED_TRACE(shape.name);
    testing::expect_linear([&](size_t n) { return shape.head + times(n, shape.piece) + shape.tail; },
                           [](const std::string& assignment) {
                             try {
                               apply_set(parse_yaml("{}", "run.yaml"), assignment);
                             } catch (const ConfigError&) {
                             }
                           },
                           1000, 1 << 17);
  }
}

TEST(YamlTime, OfAssignmentsIsBounded) {
  const auto root = parse_yaml("{}", "run.yaml");
  EXPECT_NO_THROW(apply_set(root, "a" + times(31, ".a") + "=1"));
  try {
    apply_set(root, "a" + times(50'000, ".a") + "=1");
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_LT(std::string(error.what()).size(), 300U);
    EXPECT_NE(std::string(error.what()).find("at most 32 keys with dots between them, got 50001"),
              std::string::npos)
        << error.what();
  }
  const auto many = [] {
    const auto wide = parse_yaml("{}", "run.yaml");
    for (int i = 0; i < 3000; ++i) apply_set(wide, "a.k" + std::to_string(i) + "=1");
  };
  EXPECT_THROW(many(), ConfigError);
}

}  // namespace
}  // namespace lodestone
