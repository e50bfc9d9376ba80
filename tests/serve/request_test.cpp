#include "trainer/serve/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"

namespace lodestone {
using namespace serve;
namespace {

using ::testing::HasSubstr;

ServeRequest parsed(const std::string& body) {
  return parse_request({.body = body});
}

std::string refusal(const std::string& body, const RequestLimits& limits = {}) {
  try {
    parse_request({.body = body}, {}, limits);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(Request, HoldsImagesThenTexts) {
  const ServeRequest request = parsed(R"({"texts": ["é"], "k": 3, "images": ["AAH/", "YQ=="]})");
  ASSERT_EQ(request.inputs.size(), 3U);
  EXPECT_TRUE(request.inputs[0].image);
  EXPECT_EQ(request.inputs[0].bytes, std::string("\0\1\xff", 3));
  EXPECT_EQ(request.inputs[1].bytes, "a");
  EXPECT_FALSE(request.inputs[2].image);
  EXPECT_EQ(request.inputs[2].bytes, "é");
  EXPECT_EQ(request.k, 3);
  EXPECT_EQ(parsed(R"({"texts": ["a"]})").k, 10);
}

TEST(Request, RefusesWhatItDoesNotUnderstand) {
  for (const char* body : {"", "{", "[]", "null", "{\"texts\": \"a\"}", "{\"texts\": [1]}",
                           "{\"images\": {}}", "{\"texts\": []}", "{}",
                           "{\"texts\": [\"a\"], \"texts\": [\"b\"]}", "{\"texts\": [\"a\"], \"rows\": 1}",
                           "{\"texts\": [[[[[[]]]]]]}", "{\"texts\": [\"\xff\"]}", "{\"texts\": [\"a\"]} x"})
    EXPECT_NE(refusal(body), "") << body;
  for (const char* image : {"*", "YQ", "YQ===", "Y Q==", "YQ==YQ=="})
    EXPECT_THAT(refusal("{\"images\": [\"" + std::string(image) + "\"]}"), HasSubstr("images[0]")) << image;
  for (const char* k : {"0", "-1", "1001", "1.5", "\"3\"", "null", "18446744073709551615", "1e3"})
    EXPECT_THAT(refusal("{\"texts\": [\"a\"], \"k\": " + std::string(k) + "}"), HasSubstr("k: expected"))
        << k;
}

TEST(Request, RefusesATextOfNothing) {
  for (const char* text : {"", " ", "\\t\\n"})
    EXPECT_THAT(refusal("{\"texts\": [\"a\", \"" + std::string(text) + "\"]}"),
                HasSubstr("texts[1]: expected a text, got an empty one"));
}

TEST(Request, NamesAKeyThatItDoesNotKnowAndTheNearest) {
  for (const auto& [key, near] : {std::pair("image", "images"),
                                  {"text", "texts"},
                                  {"Images", "images"},
                                  {"txets", "texts"},
                                  {"K", ""},
                                  {"batch_size", ""}}) {
    const std::string reported = refusal("{\"texts\": [\"a\"], \"" + std::string(key) + "\": 1}");
    EXPECT_THAT(reported, HasSubstr("got '" + std::string(key) + "'"));
    EXPECT_EQ(reported.find("did you mean") != std::string::npos, *near != 0) << reported;
    EXPECT_THAT(reported, HasSubstr(*near != 0 ? "did you mean '" + std::string(near) + "'?" : "request: "));
  }
  EXPECT_LT(refusal("{\"" + std::string(100000, 'a') + "\": 1}").size(), 200U);
  EXPECT_THAT(refusal("{\"a\\u001bb\": 1}"), HasSubstr("'a\\x1bb'"));
}

TEST(Request, SaysInItsOwnWordsWhatIsNoJson) {
  for (const char* body :
       {"", "{", "{\"texts\": [\"a\"]} x", "{\"k\": 1e999}", "[1,]", "{\"texts\": [\"\xff\"]}"}) {
    EXPECT_THAT(refusal(body), HasSubstr("request: expected")) << body;
    EXPECT_THAT(refusal(body), ::testing::Not(HasSubstr("json.exception"))) << body;
  }
}

TEST(Request, RefusesTooMuch) {
  const RequestLimits limits{2, 4, 10};
  EXPECT_EQ(refusal(R"({"texts": ["aaaa", "b"]})", limits), "");
  EXPECT_THAT(refusal(R"({"texts": ["aaaaa"]})", limits), HasSubstr("at most 4 bytes"));
  EXPECT_THAT(refusal(R"({"images": ["YQ==", "YQ=="], "texts": ["a"]})", limits), HasSubstr("at most 2"));
  EXPECT_NE(refusal(R"({"texts": ["a", "b", "c", "d"]})", limits), "");
}

}  // namespace
}  // namespace lodestone
