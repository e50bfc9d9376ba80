// What a hostile configuration can try: each is refused at its place, at once, whatever its size.
#include <algorithm>
#include <ctime>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/yaml.h"
#include "support/texts.h"

namespace lodestone {
namespace {

using ::testing::HasSubstr;
using testing::message_of;
using ::testing::Not;

constexpr size_t kLargest = size_t{1} << 20;  // what may be read at all

std::string repeated(const std::string& word, size_t bytes = kLargest - 64) {
  std::string text;
  while (text.size() + word.size() <= bytes) text += word;
  return text;
}

// a: 9 times its neighbour, nine times over: a billion words, if anything followed the aliases.
std::string alias_bomb() {
  std::string text = "a: &a [lol, lol, lol]\n";
  for (char name = 'b'; name <= 'i'; ++name) {
    const std::string before = std::string("*") + static_cast<char>(name - 1);
    text += std::string(1, name) + ": &" + name + " [" + before;
    for (int i = 0; i < 8; ++i) text += ", " + before;
    text += "]\n";
  }
  return text;
}

std::string distinct_keys() {
  std::string text;
  for (int i = 0; text.size() < kLargest - 64; ++i) text += "k" + std::to_string(i) + ": 1\n";
  return text;
}

std::string nested_mappings() {
  std::string text;
  for (size_t level = 0; text.size() + level < kLargest - 64; ++level)
    text += std::string(level, ' ') + "k:\n";
  return text;
}

struct Attack {
  const char* name;
  std::string text;
  const char* place;
  const char* what;
};

std::ostream& operator<<(std::ostream& out, const Attack& attack) {
  return out << attack.name;
}

class YamlAttacks : public ::testing::TestWithParam<Attack> {};

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

TEST_P(YamlAttacks, AreRefusedAtTheirPlaceWithinTenMilliseconds) {
  const Attack& attack = GetParam();
  double fastest = 1e9;
  for (int trial = 0; trial < 5; ++trial) {
    const double begin = processor_seconds();
    try {
      parse_yaml(attack.text, "run.yaml");
      FAIL() << "taken";
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::string("run.yaml:") + attack.place + ":"));
      EXPECT_THAT(error.what(), HasSubstr(attack.what));
    }
    fastest = std::min(fastest, processor_seconds() - begin);
  }
  RecordProperty("milliseconds", std::to_string(1e3 * fastest));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LE(fastest, 0.010);
#endif
}

INSTANTIATE_TEST_SUITE_P(
    All, YamlAttacks,
    ::testing::Values(
        Attack{"alias bomb", alias_bomb(), "1:4", "an anchor"},
        Attack{"anchor on a scalar", "a: &x 1\nb: *x\n", "1:4", "an anchor"},
        Attack{"anchor nobody uses", "a: 1\nb:\n  - &x 2\n", "3:5", "an anchor"},
        Attack{"anchor on a key", "&x a: 1\n", "1:1", "an anchor"},
        Attack{"alias of nothing", "a: *x\n", "1:4", "not YAML"},
        Attack{"cycle in a sequence", "a: &x [1, *x]\n", "1:4", "an anchor"},
        Attack{"cycle in a mapping", "a: &x\n  b: *x\n", "1:4", "an anchor"},
        Attack{"merge key", "a: &x {b: 1}\nc:\n  <<: *x\n", "1:4", "an anchor"},
        Attack{"many anchors", repeated("- &x 1\n"), "1:3", "an anchor"},
        Attack{"key twice", "a: 1\nb: 2\na: 3\n", "3:1", "the key 'a' a second time"},
        Attack{"key twice, inside", "a:\n  b: 1\n  'b': 2\n", "3:3", "the key 'b' a second time"},
        Attack{"key twice, flow", "a: {b: 1, b: 2}\n", "1:11", "the key 'b' a second time"},
        Attack{"tag of a type", "a: !!python/object:os.system rm\n", "1:4", "the tag"},
        Attack{"tag of one's own", "a: !x 1\n", "1:4", "the tag"},
        Attack{"tag on a sequence", "a: !!seq [1]\n", "1:4", "the tag"},
        Attack{"tag on the whole", "!!map {a: 1}\n", "1:1", "the tag"},
        Attack{"deep brackets", "a: " + repeated("["), "1:260", "levels of nesting"},
        Attack{"deep brackets that end", "a: " + std::string(400'000, '[') + std::string(400'000, ']'),
               "1:260", "levels of nesting"},
        Attack{"forty brackets", "a: " + std::string(40, '[') + std::string(40, ']'), "1:35",
               "levels of nesting"},
        Attack{"deep braces", "a: " + repeated("{b: "), "1:1028", "levels of nesting"},
        Attack{"deep dashes", "a:\n" + repeated("- "), "2:63", "levels of nesting"},
        Attack{"deep questions", repeated("? "), "1:3", "a key that is not a word"},
        Attack{"deep mappings", nested_mappings(), "33:33", "levels of nesting"},
        Attack{"many keys", distinct_keys(), "1024:8", "more than 2048"},
        Attack{"many values", "a: [" + repeated("1, "), "1", "more than 2048"},
        Attack{"many lines", "a:\n" + repeated("- 1\n"), "2047:3", "more than 2048"},
        Attack{"many nulls", "a: [" + repeated("~,"), "1", "more than 2048"},
        Attack{"many documents", repeated("---\n"), "2", "a second document"}),
    [](const ::testing::TestParamInfo<Attack>& tested) {
      std::string name = tested.param.name;
      std::replace_if(
          name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
      return name;
    });

TEST(YamlAttacks, WhatIsTooLongIsNotReadAtAll) {
  const double begin = processor_seconds();
  EXPECT_THROW(parse_yaml(std::string(kLargest + 1, ' '), "run.yaml"), ConfigError);
  EXPECT_THAT(message_of<ConfigError>([] { read_yaml_file("/dev/zero"); }), Not(HasSubstr("check the path")));
  EXPECT_THAT(message_of<ConfigError>([] { read_yaml_file("/dev/fd/9999"); }),
              Not(HasSubstr("check the path")));
  EXPECT_THAT(message_of<ConfigError>([] { read_yaml_file("/nowhere.yaml"); }), HasSubstr("check the path"));
  EXPECT_LE(processor_seconds() - begin, 0.1);
}

}  // namespace
}  // namespace lodestone
