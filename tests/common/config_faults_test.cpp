// All faults of a configuration in one error, and what an unknown key may mean.
#include "common/config_faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/causes.h"
#include "common/keys_without_effect.h"
#include "common/yaml.h"
#include "support/yaml_structs.h"

namespace lodestone {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::vector<KeySynonym> synonyms() {
  return {{.words = "amount quantity", .keys = {"count"}},
          {.words = "epochs", .keys = {"inner.depth"}, .note = "an epoch is ten metres"},
          {.words = "diameter", .keys = {"shape.radius"}},
          {.words = "extent", .keys = {"shape.side", "shape.radius"}},
          {.words = "gpus", .keys = {}, .note = "the launcher says how many"}};
}

struct Drawing {
  Settings settings;
  std::string ink = "black";

  void visit(Fields& f) {
    settings.visit(f);
    if (settings.count == 1) without_effect(f, {"ink"}, "with count: 1; leave it out");
    f.field({.name = "ink", .doc = "of what colour", .choices = {"black", "blue"}}, &ink);
  }
};

// One message, as people see it; "" without a fault.
std::string reported(const std::string& text, const std::vector<std::string>& sets = {}) {
  Drawing drawing;
  const auto root = parse_yaml(text, "run.yaml");
  const auto visit = [&](Fields& f) { drawing.visit(f); };
  ConfigFaults faults;
  try {
    for (const auto& assignment : sets) faults.collect_apart([&] { apply_set(root, assignment); });
    read_fields(root, visit, faults);
    faults.collect([&] {
      if (drawing.settings.ratio > 1) throw ConfigError("ratio: expected at most 1 with this count");
    });
    faults.throw_any(visit, synonyms());
  } catch (const ConfigError& error) {
    return explain(error);
  }
  return "";
}

TEST(ConfigFaults, AreReportedAllAtOnceInTheOrderOfTheLines) {
  const std::string text =
      "colour: red\ncount: many\ninner:\n  deph: 4\nmode: sideways\nflag: yes\nratio: 3\nshape: cirlce\n";
  EXPECT_EQ(
      reported(text, {"rate=fast", "limit"}),
      "configuration: expected settings without faults, got 8; correct these and start again:\n"
      "  1. run.yaml:1: colour: unknown key; known here: count, flag, ink, inner, "
      "limit, mode, name, rate, ratio, scales, shape, sizes, words\n"
      "  2. run.yaml:2: count: expected an integer, got 'many'\n"
      "  3. run.yaml:4: inner.deph: unknown key; did you mean 'depth'?; known here: depth\n"
      "  4. run.yaml:5: mode: expected one of up, down, got 'sideways'\n"
      "  5. run.yaml:6: flag: expected true or false, got 'yes'\n"
      "  6. run.yaml:8: shape.name: unknown name 'cirlce'; did you mean 'circle'?; known: square, circle; "
      "or use the program that registers 'cirlce'\n"
      "  7. --set: expected key.path=value, got 'limit'\n"
      "  8. --set rate: expected a number, got 'fast'")
      << "and not that ratio contradicts a count that could not be read";
}

TEST(ConfigFaults, ASingleOneReadsAsAlways) {
  EXPECT_EQ(reported("\ncount: many\n"), "run.yaml:2: count: expected an integer, got 'many'");
  EXPECT_EQ(reported("ratio: 3\n"), "ratio: expected at most 1 with this count");
  EXPECT_EQ(reported("count: 3\nink: blue\n"), "");
}

TEST(ConfigFaults, AreAtMostTwentyLines) {
  std::string text;
  for (int i = 0; i < 33; ++i) text += "\"line\\nbreak" + std::to_string(i) + "\": 1\n";
  const std::string all = reported(text);
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 21) << all;
  EXPECT_THAT(all, AllOf(HasSubstr("got 33;"), HasSubstr("\n  20. run.yaml:20: line\\nbreak19: unknown"),
                         testing::EndsWith("\n  and 13 more")));
}

TEST(ConfigFaults, AreOneLineOfAJsonLog) {
  const ConfigFaultList list(std::vector<std::string>{"a: wrong", "b: wrong"});
  EXPECT_EQ(
      explain_on_a_line(list),
      "configuration: expected settings without faults, got 2; correct these and start again: 1. a: wrong "
      "2. b: wrong");
}

// A key that another fault may have put out of use would mislead.
TEST(ConfigFaults, ThatMayFollowFromOthersAreLeftOut) {
  EXPECT_THAT(reported("ink: blue\n"), HasSubstr("ink: has no effect with count: 1"));
  EXPECT_EQ(reported("ink: blue\ncount: many\n"), "run.yaml:2: count: expected an integer, got 'many'");
  EXPECT_EQ(reported("ink: blue\namount: 3\n"), "run.yaml:2: amount: unknown key; did you mean 'count'?");
  EXPECT_THAT(reported("ink: blue\nflag: yes\n"),
              AllOf(HasSubstr("1. run.yaml:1: ink"), HasSubstr("2. run.yaml:2")));
  EXPECT_THAT(reported("shape: {name: cirlce, radius: 2}\n"), Not(HasSubstr("radius")));
}

TEST(ConfigFaults, AnUnknownKeyMayBeAnotherWordForOne) {
  EXPECT_EQ(reported("amount: 3\n"), "run.yaml:1: amount: unknown key; did you mean 'count'?");
  EXPECT_EQ(reported("inner: {amount: 3}\n"), "run.yaml:1: inner.amount: unknown key; did you mean 'count'?");
  EXPECT_EQ(reported("", {"epochs=3"}),
            "--set epochs: unknown key; did you mean 'inner.depth'? (an epoch is ten metres)");
  EXPECT_EQ(
      reported("diameter: 3\n"),
      "run.yaml:1: diameter: unknown key; did you mean 'shape.radius'? It belongs to shape.name: circle");
  EXPECT_EQ(reported("extent: 3\n"), "run.yaml:1: extent: unknown key; did you mean 'shape.side'?");
  EXPECT_EQ(reported("gpus: 3\n"), "run.yaml:1: gpus: unknown key; the launcher says how many");
}

TEST(ConfigFaults, AKeyAtTheWrongLevelIsToldItsPlace) {
  EXPECT_EQ(reported("depth: 3\n"), "run.yaml:1: depth: unknown key; did you mean 'inner.depth'?");
  EXPECT_EQ(reported("inner: {count: 3}\n"), "run.yaml:1: inner.count: unknown key; did you mean 'count'?");
  EXPECT_EQ(reported("radius: 3\n"),
            "run.yaml:1: radius: unknown key; did you mean 'shape.radius'? It belongs to shape.name: circle");
}

}  // namespace
}  // namespace lodestone
