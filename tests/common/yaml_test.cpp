#include "common/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/yaml_structs.h"

namespace lodestone {
namespace {

using testing::HasSubstr;

std::string error_of(const std::string& text, const std::vector<std::string>& sets = {}) {
  Settings settings;
  try {
    const auto root = parse_yaml(text, "run.yaml");
    for (const auto& assignment : sets) apply_set(root, assignment);
    read_fields(root, [&](Fields& f) { settings.visit(f); });
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

Settings read(const std::string& text, const std::vector<std::string>& sets = {}) {
  Settings settings;
  const auto root = parse_yaml(text, "run.yaml");
  for (const auto& assignment : sets) apply_set(root, assignment);
  read_fields(root, [&](Fields& f) { settings.visit(f); });
  return settings;
}

TEST(Yaml, ReadsEveryKindOfField) {
  const Settings s = read(
      "flag: true\ncount: 7\nratio: 2.5e-1\nname: \"a b\"\nsizes: [1, 2, 3]\nscales: [0.5, 2]\nwords: [x, 'y "
      "z']\n"
      "limit: 5\nrate: null\ninner: {depth: 3}\nshape: {name: circle, radius: 2}\n");
  EXPECT_TRUE(s.flag);
  EXPECT_EQ(s.count, 7);
  EXPECT_EQ(s.ratio, 0.25);
  EXPECT_EQ(s.name, "a b");
  EXPECT_EQ(s.sizes, (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(s.scales, (std::vector<double>{0.5, 2}));
  EXPECT_EQ(s.words, (std::vector<std::string>{"x", "y z"}));
  EXPECT_EQ(s.limit, 5);
  EXPECT_EQ(s.rate, std::nullopt);
  EXPECT_EQ(s.inner.depth, 3);
  EXPECT_EQ(s.shape.name(), "circle");
  EXPECT_EQ(s.shape->area(), 12);
}

TEST(Yaml, AbsentKeysKeepTheirDefaultsAndAnEmptyFileIsFine) {
  EXPECT_EQ(read("").count, 1);
  EXPECT_EQ(read("inner:\n").inner.depth, 1);
  EXPECT_EQ(read("# nothing\n").shape.name(), "square");
}

TEST(Yaml, UnknownKeysNameFileLinePathAndTheNearestKey) {
  const std::string error = error_of("count: 3\ninner:\n  deph: 4\n");
  EXPECT_THAT(error, HasSubstr("run.yaml:3"));
  EXPECT_THAT(error, HasSubstr("inner.deph"));
  EXPECT_THAT(error, HasSubstr("did you mean 'depth'?"));
  EXPECT_THAT(error_of("shape: {name: circle, side: 3}"), HasSubstr("shape.side: unknown key"));
  EXPECT_THAT(error_of("shape: {name: cirlce}"), HasSubstr("did you mean 'circle'?"));
}

TEST(Yaml, WrongTypesAndRangesSayWhatWasExpected) {
  EXPECT_THAT(error_of("\ncount: many\n"), HasSubstr("run.yaml:2: count: expected an integer, got 'many'"));
  EXPECT_THAT(error_of("count: 1.5"), HasSubstr("expected an integer"));
  EXPECT_THAT(error_of("count: 99999999999999999999"), HasSubstr("expected an integer"));
  EXPECT_THAT(error_of("count: 0"), HasSubstr("a number >= 1 and <= 100"));
  EXPECT_THAT(error_of("ratio: .nan"), HasSubstr("expected a number"));
  EXPECT_THAT(error_of("flag: yes"), HasSubstr("true or false"));
  EXPECT_THAT(error_of("name: [a]"), HasSubstr("expected text, got a sequence"));
  EXPECT_THAT(error_of("sizes: 3"), HasSubstr("a sequence"));
  EXPECT_THAT(error_of("inner: 3"), HasSubstr("inner: expected a mapping"));
  EXPECT_THAT(error_of("mode: sideways"), HasSubstr("one of up, down"));
}

TEST(Yaml, RefusesBytesThatAreNotUtf8) {
  EXPECT_THAT(error_of("name: a\xffy\n"), HasSubstr("run.yaml:1:7: expected plain YAML"));
  EXPECT_EQ(error_of("name: \u00e9\n"), "");
}

TEST(Yaml, SetOverridesAndReachesIntoSlots) {
  const Settings s = read("count: 3\nshape: {name: circle, radius: 2}\n",
                          {"count=9", "inner.depth=5", "shape.radius=3", "sizes=[4, 5]", "name=hello"});
  EXPECT_EQ(s.count, 9);
  EXPECT_EQ(s.inner.depth, 5);
  EXPECT_EQ(s.shape->area(), 27);
  EXPECT_EQ(s.sizes, (std::vector<int64_t>{4, 5}));
  EXPECT_EQ(s.name, "hello");
  EXPECT_EQ(read("name: something", {"name="}).name, "");
  EXPECT_THAT(error_of("", {"inner.deph=1"}), HasSubstr("--set inner.deph"));
  EXPECT_THAT(error_of("", {"count"}), HasSubstr("expected key.path=value"));
  EXPECT_THAT(error_of("count: 1", {"count.x=1"}), HasSubstr("is a value, not a mapping"));
}

TEST(Yaml, RefusesWhatCouldHurtWithLineAndColumn) {
  EXPECT_THAT(error_of("a: &x 1\nb: *x\n"), HasSubstr("run.yaml:1:4: expected plain YAML"));
  EXPECT_THAT(error_of("&x [*x]"), HasSubstr("anchor"));
  EXPECT_THAT(error_of("count: !!int 3"), HasSubstr("the tag"));
  EXPECT_THAT(error_of("count: 1\ncount: 2\n"), HasSubstr("run.yaml:2:1: expected plain YAML"));
  EXPECT_THAT(error_of("? [a]\n: 1\n"), HasSubstr("a key that is not a word"));
  EXPECT_THAT(error_of("a: 1\n---\nb: 2\n"), HasSubstr("a second document"));
  EXPECT_THAT(error_of("[1, 2]"), HasSubstr("expected a mapping"));
  EXPECT_THAT(error_of("a: [1, 2"), HasSubstr("not YAML"));
  EXPECT_THAT(error_of(std::string(2 << 20, ' ')), HasSubstr("at most 1 MiB"));
  EXPECT_THAT(error_of("a: " + std::string(100, '[') + std::string(100, ']')),
              HasSubstr("levels of nesting"));
  std::string deep = "a: ";
  for (int i = 0; i < 100000; ++i) deep += "[";
  EXPECT_NE(error_of(deep), "");
}

TEST(Yaml, WhatIsWrittenReadsBackTheSame) {
  Settings s =
      read("count: 5\nratio: 0.1\nname: 'tricky: \"#\\ é'\nrate: 0.3\nshape: {name: circle, radius: 4}\n");
  const std::string text = write_yaml([&](Fields& f) { s.visit(f); });
  Settings again = read(text);
  EXPECT_EQ(write_yaml([&](Fields& f) { again.visit(f); }), text);
  EXPECT_EQ(again.name, s.name);
  EXPECT_EQ(again.ratio, 0.1);
  EXPECT_EQ(again.shape->area(), 48);
}

TEST(NearestWord, FindsTyposAndNothingFarOff) {
  EXPECT_EQ(nearest_word("margn", {"margin", "temperature"}), "margin");
  EXPECT_EQ(nearest_word("zzz", {"margin", "temperature"}), "");
}

}  // namespace
}  // namespace lodestone
