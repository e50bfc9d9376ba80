// Documents from outside: what is taken, what is refused, and in what time.
#include "common/json_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "support/growth.h"

namespace lodestone {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string refusal(const std::string& text, const JsonLimits& limits = {}) {
  try {
    parse_json(text, "that file", limits);
  } catch (const CheckpointError& error) {
    EXPECT_FALSE(read_json(text, limits).has_value()) << text;
    return error.what();
  }
  EXPECT_TRUE(read_json(text, limits).has_value()) << text;
  return "accepted";
}

TEST(JsonReader, ReadsWhatTheLibraryReads) {
  for (const char* text : {"null", "true", " 1 ", "-1", "18446744073709551615", "-9223372036854775808", "0.1",
                           "1e300", "-0.0", "\"\"", R"("\u00e9\ud83d\ude00\n")", "[]", "{}",
                           "[[],{},[1,[2,[3]]]]", R"({"a":{"b":{"c":[]}},"b":{"b":1}})",
                           R"([{"a":1},{"a":2},null,"x",1.5])", R"({"":"","a b":[true,false]})"})
    EXPECT_EQ(parse_json(text, "j").dump(), json::parse(text).dump()) << text;
}

TEST(JsonReader, RefusesWhatIsNone) {
  for (const char* text : {"", " ", "{", "[1,]", "{\"a\" 1}", "{\"a\":1,}", "01", "nul", "[1] 2", "\"\xff\"",
                           "'a'", "{a:1}", "\"\\ud800\"", "// comment\n1", "NaN", "1e999", "\xef\xbb\xbf"})
    EXPECT_THAT(refusal(text), HasSubstr("that file: expected valid JSON, got ")) << text;
}

TEST(JsonReader, RepeatsLittleOfWhatItRefuses) {
  const std::string million(1'000'000, '1'), key(1'000'000, 'k');
  for (const std::string& text :
       {"{\"k\": " + million + million, "[\"" + key + "\xff\"]", "{\"" + key + "\":1,\"" + key + "\":2}",
        "[" + key + "]", "[\"\x1b[31m" + key + "\x01\"]"}) {
    EXPECT_LT(refusal(text).size(), 1000U) << text.substr(0, 20);
    EXPECT_EQ(refusal(text).find('\x1b'), std::string::npos);
  }
}

TEST(JsonReader, RefusesAKeyTwice) {
  EXPECT_THAT(refusal(R"({"a":1,"b":{"a":2},"a":3})"), HasSubstr("the key 'a' twice"));
  EXPECT_THAT(refusal(R"([{"a":[]},{"b":{"c":1,"c":{}}}])"), HasSubstr("the key 'c' twice"));
  EXPECT_THAT(refusal(R"({"\u0061":1,"a":2})"), HasSubstr("the key 'a' twice"));
  EXPECT_EQ(refusal(R"([{"a":1},{"a":1},{"b":{"a":1},"a":1}])"), "accepted");
}

TEST(JsonReader, KeepsToItsLimits) {
  EXPECT_EQ(refusal("[[1]]", {.depth = 2}), "accepted");
  EXPECT_THAT(refusal("[[[1]]]", {.depth = 2}), HasSubstr("more than 2 levels"));
  EXPECT_EQ(refusal("[1,[1,2]]", {.array_items = 2}), "accepted");
  EXPECT_THAT(refusal("[1,[1,2,3]]", {.array_items = 2}), HasSubstr("an array of more than 2 items"));
  EXPECT_THAT(refusal("[[],[],[]]", {.array_items = 2}), HasSubstr("an array of more than 2 items"));
  EXPECT_EQ(refusal(R"({"a":1,"b":{"c":1,"d":1}})", {.members = 2}), "accepted");
  EXPECT_THAT(refusal(R"({"a":1,"b":{"c":1,"d":1,"e":1}})", {.members = 2}),
              HasSubstr("more than 2 members"));
  EXPECT_EQ(refusal(R"([1,{"a":2}])", {.values = 4}), "accepted");
  EXPECT_THAT(refusal(R"([1,{"a":2},3])", {.values = 4}), HasSubstr("more than 4 values"));
  // What comes behind isn't read any more, whatever it is.
  EXPECT_THAT(refusal("[1,2,3 nonsense", {.array_items = 2}), HasSubstr("more than 2 items"));
}

/// n times what `one` makes of a number, between commas, within `begin` and `end`.
template <typename One>
auto many(const char* begin, const One& one, const char* end) {
  return [begin, one, end](size_t n) {
    std::string text = begin;
    for (size_t i = 0; i < n; ++i) text += (i ? "," : "") + one(std::to_string(i));
    return text + end;
  };
}

TEST(JsonReaderTakes, TwiceAsLongForTwiceAsMuch) {
  const auto read = [](const std::string& text) { parse_json(text, "j"); };
  const auto key = [](const char* value) {
    return [value](const std::string& i) { return "\"" + i + "\":" + value; };
  };
  testing::expect_linear(many("{", key("{}"), "}"), read);
  testing::expect_linear(many("{", key("[]"), "}"), read);
  testing::expect_linear(many("{", key("1"), "}"), read);
  testing::expect_linear(many(
                             "[", [](const std::string& i) { return i; }, "]"),
                         read);
  testing::expect_linear(many(
                             "[", [](const std::string&) { return std::string("{}"); }, "]"),
                         read);
  testing::expect_linear(many("{\"a\":{", key("{\"b\":{}}"), "}}"), read);
  testing::expect_linear([](size_t n) { return "\"" + std::string(n, 'a') + "\""; }, read);
  testing::expect_linear([](size_t n) { return std::string(n, ' ') + "1"; }, read);
  testing::expect_linear([](size_t n) { return std::string(n, '['); },
                         [](const std::string& text) { read_json(text, {.depth = SIZE_MAX}); });
}

// What is one too many is refused before the rest is read.
TEST(JsonReaderTakes, NoTimeForWhatLiesBehindALimit) {
  const std::string body = many(
      "{", [](const std::string& i) { return "\"" + i + "\":{}"; }, "}")(1'000'000);
  EXPECT_LT(testing::cpu_seconds([&] { refusal(body, {.members = 8}); }), 0.05);
}

}  // namespace
}  // namespace lodestone
