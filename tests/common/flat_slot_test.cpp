// Tables whose rows' settings share one mapping.
#include "common/flat_slot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/keys_without_effect.h"
#include "common/yaml.h"
#include "support/texts.h"

namespace lodestone {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Rows with a key of their own, one that two rows share, and a mapping.
struct Drawing {
  virtual ~Drawing() = default;
  virtual void visit(Fields&) {}
};

struct Depth {
  int64_t depth = 1;
  void visit(Fields& f) { f.field({.name = "depth", .doc = "how deep"}, &depth); }
};

struct Line : Drawing {
  int64_t width = 2;
  void visit(Fields& f) override { f.field({.name = "width", .doc = "how wide"}, &width); }
};

struct Box : Drawing {
  int64_t width = 3;
  Depth inside;
  void visit(Fields& f) override {
    f.field({.name = "width", .doc = "how wide"}, &width);
    f.nested({.name = "inside", .doc = "what is in it"}, inside);
  }
};

std::span<const TableRow<Drawing>> drawings() {
  static constexpr TableRow<Drawing> kRows[] = {{"dot", "a place", make_row<Drawing, Drawing>},
                                                {"line", "from place to place", make_row<Drawing, Line>},
                                                {"box", "around a place", make_row<Drawing, Box>}};
  return kRows;
}

struct Page {
  FlatSlot<Drawing> drawing{drawings(), "line", "drawing.name"};
  void visit(Fields& f) { f.nested({.name = "drawing", .doc = "what is drawn"}, drawing); }
};

Page read(const std::string& text, bool kept = false) {
  Page page;
  const auto visit = [&](Fields& f) { page.visit(f); };
  kept ? read_kept_fields(parse_yaml(text, "run.yaml"), visit)
       : read_fields(parse_yaml(text, "run.yaml"), visit);
  return page;
}

std::string error_of(const std::string& text) {
  return testing::message_of<ConfigError>([&] { read(text); });
}

TEST(FlatSlot, ReadsTheKeysOfTheRowThatIsNamed) {
  EXPECT_EQ(read("").drawing.name(), "line");
  Page page = read("drawing: {name: box, width: 7, inside: {depth: 4}}");
  EXPECT_EQ(page.drawing.name(), "box");
  const auto& box = dynamic_cast<const Box&>(*page.drawing);
  EXPECT_EQ(box.width, 7);
  EXPECT_EQ(box.inside.depth, 4);
}

TEST(FlatSlot, WritesOnlyTheKeysOfItsRow) {
  Page page = read("drawing: {name: box}");
  EXPECT_EQ(write_yaml([&](Fields& f) { page.visit(f); }),
            "drawing:\n  name: \"box\"\n  width: 3\n  inside:\n    depth: 1\n");
  page.drawing.choose("dot");
  EXPECT_EQ(write_yaml([&](Fields& f) { page.visit(f); }), "drawing:\n  name: \"dot\"\n");
}

TEST(FlatSlot, RefusesTheKeysOfOtherRowsAndNamesOneThatHasThem) {
  EXPECT_EQ(error_of("drawing: {name: dot, width: 7}"),
            "run.yaml:1: drawing.width: has no effect with drawing.name: dot; leave it out, or set "
            "drawing.name: line");
  EXPECT_THAT(error_of("drawing: {inside: {depth: 4}}"), HasSubstr("or set drawing.name: box"));
  EXPECT_THAT(error_of("drawing: {hight: 4}"), HasSubstr("unknown key"));
  EXPECT_EQ(error_of("drawing: {name: dot, width: }"), "no error");
  EXPECT_EQ(read("drawing: {name: dot, width: 7}", /*kept=*/true).drawing.name(), "dot");
}

TEST(FlatSlot, TakesChoicesAndTheirMeaningFromTheTable) {
  EXPECT_EQ(error_of("drawing: {name: bix}"),
            "run.yaml:1: drawing.name: expected one of dot, line, box, got 'bix'; did you mean 'box'?");
  EXPECT_THAT(error_of("drawing: {name: sculpture}"), Not(HasSubstr("did you mean")));
  Page page;
  EXPECT_THAT(write_reference([&](Fields& f) { page.visit(f); }),
              HasSubstr("# dot: a place; line: from place to place; box: around a place (dot, line, box)\n"));
  EXPECT_EQ(names_that(drawings(), [](const auto& row) { return *row.name != 'x'; }), "dot, line or box");
}

}  // namespace
}  // namespace lodestone
