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

TEST(Schema, KnowsTypesRangesAndRefusesUnknownKeys) {
  Settings s;
  const auto schema = nlohmann::json::parse(write_schema([&](Fields& f) { s.visit(f); }));
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["properties"]["count"]["type"], "integer");
  EXPECT_EQ(schema["properties"]["count"]["maximum"], 100);
  EXPECT_EQ(schema["properties"]["mode"]["enum"], (nlohmann::json{"up", "down"}));
  EXPECT_EQ(schema["properties"]["limit"]["type"], (nlohmann::json{"integer", "null"}));
  EXPECT_EQ(schema["properties"]["shape"]["anyOf"].size(), 2u);
  EXPECT_EQ(schema["properties"]["shape"]["anyOf"][1]["properties"]["name"]["const"], "circle");
}

}  // namespace
}  // namespace lodestone
