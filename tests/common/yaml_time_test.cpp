// A configuration of any shape within the bounds is read, or refused, in time in proportion to its size.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace lodestone
