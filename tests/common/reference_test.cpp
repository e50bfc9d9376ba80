#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/yaml.h"
#include "support/yaml_structs.h"

namespace lodestone {
namespace {

using testing::HasSubstr;

TEST(Reference, ListsEveryKeyWithItsMeaningAndTheAlternativesOfSlots) {
  Settings s;
  const std::string text = write_reference([&](Fields& f) { s.visit(f); });
  EXPECT_THAT(text, HasSubstr("# how many (>= 1, <= 100)\ncount: 1\n"));
  EXPECT_THAT(text, HasSubstr("# how deep (metres, >= 0)\n  depth: 1\n"));
  EXPECT_THAT(text, HasSubstr("name: \"square\""));
  EXPECT_THAT(text, HasSubstr("# name: \"circle\""));
  EXPECT_THAT(text, HasSubstr("# radius: 1"));
  // It is itself a configuration: the defaults.
  Settings again;
  read_fields(parse_yaml(text, "reference"), [&](Fields& f) { again.visit(f); });
  EXPECT_EQ(again.shape.name(), "square");
}

// A shape that is made of another one.
struct Frame : Shape {
  Slot<Shape> inside{kShapes, "circle"};
  void visit(Fields& f) override { f.slot({.name = "inside", .doc = "what it holds"}, inside); }
  double area() const override { return 2 * inside->area(); }
};

constexpr TableRow<Shape> kFrames[] = {{"square", "four corners", make_row<Shape, Square>},
                                       {"frame", "around another", make_row<Shape, Frame>}};

TEST(Reference, ASlotInsideARowNamesItsAlternatives) {
  Slot<Shape> shape(kFrames, "square");
  const auto visit = [&](Fields& f) { f.slot({.name = "shape", .doc = "a slot"}, shape); };
  EXPECT_EQ(write_reference(visit),
            "# a slot\nshape:\n  # four corners\n  name: \"square\"\n  # its side (>= 0)\n  side: 1\n"
            "  # # around another\n  # name: \"frame\"\n  # # what it holds (square, circle)\n  # inside:\n"
            "    # # none\n    # name: \"circle\"\n    # # its radius (>= 0)\n    # radius: 1\n");
  read_fields(parse_yaml("shape: {name: frame, inside: {name: square, side: 3}}", "test"), visit);
  EXPECT_EQ(shape->area(), 18);
  EXPECT_EQ(write_yaml(visit), "shape:\n  name: \"frame\"\n  inside:\n    name: \"square\"\n    side: 3\n");
}

TEST(Schema, KnowsTypesRangesAndRefusesUnknownKeys) {
  Settings s;
  const auto schema = nlohmann::json::parse(write_schema([&](Fields& f) { s.visit(f); }));
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["properties"]["count"]["type"], "integer");
  EXPECT_EQ(schema["properties"]["count"]["maximum"], 100);
  EXPECT_EQ(schema["properties"]["mode"]["enum"], (nlohmann::json{"up", "down"}));
  EXPECT_EQ(schema["properties"]["limit"]["type"], (nlohmann::json{"integer", "null"}));
  EXPECT_EQ(schema["properties"]["shape"]["anyOf"].size(), 3u)
      << "each by its keys, or any by its name alone";
  EXPECT_EQ(schema["properties"]["shape"]["anyOf"][1]["properties"]["name"]["const"], "circle");
}

}  // namespace
}  // namespace lodestone
