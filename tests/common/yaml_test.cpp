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

TEST(Yaml, ReadsTheCoreSchemasWords) {
  for (const char* yes : {"true", "True", "TRUE"}) EXPECT_TRUE(read("flag: " + std::string(yes)).flag) << yes;
  for (const char* no : {"false", "False", "FALSE"})
    EXPECT_FALSE(read("flag: true", {"flag=" + std::string(no)}).flag) << no;
  for (const char* other : {"yes", "on", "1", "tRUE", "\"true\"", "t"})
    EXPECT_THAT(error_of("flag: " + std::string(other)), HasSubstr("flag: expected true or false, got "))
        << other;
  for (const char* nothing : {"null", "Null", "NULL", "~", ""}) {
    EXPECT_EQ(read("rate: " + std::string(nothing)).rate, std::nullopt) << nothing;
    EXPECT_EQ(read("name: " + std::string(nothing)).name, "") << nothing;
    if (*nothing == 0) continue;
    EXPECT_EQ(read("", {"rate=" + std::string(nothing)}).rate, std::nullopt) << nothing;
  }
  EXPECT_EQ(read("name: \"null\"").name, "null");
  EXPECT_EQ(read("name: nULL").name, "nULL");
}

TEST(Yaml, ReadsNumbersInOneWayOrRefusesThem) {
  EXPECT_EQ(read("ratio: .5").ratio, 0.5);
  EXPECT_EQ(read("ratio: 5.").ratio, 5);
  EXPECT_EQ(read("ratio: 1e-3").ratio, 1e-3);
  EXPECT_EQ(read("ratio: -2E+2").ratio, -200);
  EXPECT_EQ(read("ratio: 0.25").ratio, 0.25);
  EXPECT_EQ(read("count: 10\t# ten").count, 10);
  EXPECT_EQ(read("count: 10 \r\n").count, 10);
  for (const char* other :
       {"1_000", "0x10", "0o17", "1e3", "1,000", "+5", "5.0", "\"5\"", "5 6", "1:30", "five"})
    EXPECT_THAT(error_of("count: " + std::string(other)), HasSubstr("count: expected an integer, got "))
        << other;
  for (const char* other : {"1_0.5", "0x1p3", "1,5", ".inf", "inf", "nan", "1e999", "50%", "'0.5'", "+.5"})
    EXPECT_THAT(error_of("ratio: " + std::string(other)), HasSubstr("ratio: expected a number, got "))
        << other;
  for (const char* zeros : {"count: 010", "ratio: 00.5", "ratio: -01", "sizes: [007]"})
    EXPECT_THAT(error_of(zeros), HasSubstr("without leading zeros")) << zeros;
  EXPECT_THAT(error_of("count: \"5\""), HasSubstr("got '5' in quotes"));
  EXPECT_EQ(read("sizes: [0, -1]").sizes, (std::vector<int64_t>{0, -1}));
  EXPECT_THAT(error_of("words: [a, ~]"), HasSubstr("a value in each place"));
  EXPECT_THAT(error_of("words: [a, ]\nsizes: [1, null]"), HasSubstr("sizes: expected a value in each place"));
}

TEST(Yaml, RefusesBytesThatAreNotUtf8) {
  EXPECT_THAT(error_of("name: a\xffy\n"), HasSubstr("run.yaml:1:7: expected plain YAML"));
  EXPECT_EQ(error_of("name: \u00e9\n"), "");
}

TEST(Yaml, SetWithoutAValueRemovesWhatTheFileHas) {
  const Settings s = read(
      "{flag: true, count: 3, name: hello, rate: 2, sizes: [4], inner: {depth: 7}, shape: {name: circle, "
      "radius: 2}}",
      {"flag=", "count=", "name=", "rate=", "sizes=", "inner=", "shape.name=", "shape.radius="});
  EXPECT_FALSE(s.flag);
  EXPECT_EQ(s.count, 1);
  EXPECT_EQ(s.name, "x");
  EXPECT_EQ(s.rate, 1.5);
  EXPECT_TRUE(s.sizes.empty());
  EXPECT_EQ(s.inner.depth, 1);
  EXPECT_EQ(s.shape.name(), "square");
  EXPECT_EQ(read("count: 3", {"count=", "count=4"}).count, 4);
  EXPECT_EQ(read("inner: {depth: 7}", {"inner=", "inner.depth=9"}).inner.depth, 9);
  EXPECT_THAT(error_of("count: 3", {"cuont="}), HasSubstr("--set cuont: unknown key"));
}

TEST(Yaml, AKeyOfAnotherAlternativeIsSaidToBelongToIt) {
  const std::string said =
      "shape.radius: unknown key with shape.name: square; it belongs to shape.name: circle";
  EXPECT_THAT(error_of("shape: {radius: 2}"), HasSubstr(said));
  EXPECT_THAT(error_of("shape: square", {"shape=", "shape.radius=2"}), HasSubstr(said));
  EXPECT_THAT(error_of("shape: {radius: 2}"), ::testing::EndsWith("; remove it"));
  EXPECT_THAT(
      error_of("shape: {name: circle, radius: 2}", {"shape.name=square"}),
      ::testing::AllOf(HasSubstr(said), ::testing::EndsWith("; remove it, or add --set shape.radius=")));
  EXPECT_NO_THROW(read("shape: {name: circle, radius: 2}", {"shape.name=square", "shape.radius="}));
  EXPECT_THAT(error_of("shape: {radios: 2}"), HasSubstr("unknown key; known here: name, side"));
}

TEST(Yaml, SetOverridesAndReachesIntoSlots) {
  const Settings s = read("count: 3\nshape: {name: circle, radius: 2}\n",
                          {"count=9", "inner.depth=5", "shape.radius=3", "sizes=[4, 5]", "name=hello"});
  EXPECT_EQ(s.count, 9);
  EXPECT_EQ(s.inner.depth, 5);
  EXPECT_EQ(s.shape->area(), 27);
  EXPECT_EQ(s.sizes, (std::vector<int64_t>{4, 5}));
  EXPECT_EQ(s.name, "hello");
  EXPECT_THAT(error_of("", {"inner.deph=1"}), HasSubstr("--set inner.deph"));
  EXPECT_THAT(error_of("", {"count"}), HasSubstr("expected key.path=value"));
  EXPECT_THAT(error_of("count: 1", {"count.x=1"}), HasSubstr("is a value, not a mapping"));
}

// The shell has taken its quotes away: what is left is meant to the last character.
TEST(Yaml, SetTakesTextAsItIs) {
  for (const char* text : {"take #2", "take # 2", "a: b", "a:",    "- a",
                           "*a",      "&a b",     "!a",   "| a",   "> a",
                           "%a",      "@a",       "`a",   "a ",    " a",
                           "?",       "[a",       "a]",   "{a}-b", "train-{000..009}.tar",
                           "\"a\" b", "'",        "#",    "a\nb",  "[a] #b",
                           "[a] [b",  "é"})
    EXPECT_EQ(read("", {"name=" + std::string(text)}).name, text);
  EXPECT_EQ(read("", {"name=\"a #b\""}).name, "a #b");
  EXPECT_EQ(read("", {"name='it''s'"}).name, "it's");
  EXPECT_EQ(read("", {"name=\"null\""}).name, "null");
  EXPECT_EQ(read("", {"words=[a, 'b #c']"}).words, (std::vector<std::string>{"a", "b #c"}));
  EXPECT_EQ(read("", {"shape={name: circle, radius: 2}"}).shape->area(), 12);
  EXPECT_EQ(read("", {"name=a=b"}).name, "a=b");
}

TEST(Yaml, SetRefusesWhatItCannotKeepWhole) {
  EXPECT_THAT(error_of("", {"count=5 # five"}),
              HasSubstr("--set count: expected an integer, got '5 # five'"));
  EXPECT_THAT(error_of("", {"count= 5"}), HasSubstr("got ' 5'"));
  EXPECT_THAT(error_of("", {"words=[a] #]"}), HasSubstr("expected one YAML value"));
  EXPECT_THAT(error_of("", {"words=[a], [b]"}), HasSubstr("got '[a], [b]'"));
  EXPECT_THAT(error_of("", {"name=[a]"}), HasSubstr("expected text, got a sequence"));
  EXPECT_THAT(error_of("", {"name={a,b}"}), HasSubstr("expected text, got a mapping"));
  EXPECT_THAT(error_of("", {"name=\"a\" \"b\""}), HasSubstr("expected one YAML value"));
  EXPECT_THAT(error_of("", {"name=a\xff"}), HasSubstr("expected UTF-8, got 'a\\xff'"));
  EXPECT_THAT(error_of("", {"count.=5"}), HasSubstr("expected key.path=value"));
  EXPECT_THAT(error_of("", {"inner..depth=5"}), HasSubstr("unknown key"));
  EXPECT_THAT(error_of("", {"=5"}), HasSubstr("expected key.path=value"));
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
  EXPECT_THAT(error_of("inner:\n\tdepth: 3\n"), HasSubstr("line 2 is indented with a tab: use blanks"));
  EXPECT_THAT(error_of("a: [1, 2 # a\ttab\n"), ::testing::Not(HasSubstr("tab: use")));
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
