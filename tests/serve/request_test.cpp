#include "trainer/serve/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"

namespace lodestone {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::string& body, const RequestLimits& limits = {}) {
  try {
    parse_request(body, limits);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(Request, HoldsPicturesThenTexts) {
  const ServeRequest request = parse_request(R"({"texts": ["é"], "k": 3, "images": ["AAH/", "YQ=="]})");
  ASSERT_EQ(request.inputs.size(), 3U);
  EXPECT_TRUE(request.inputs[0].picture);
  EXPECT_EQ(request.inputs[0].bytes, std::string("\0\1\xff", 3));
  EXPECT_EQ(request.inputs[1].bytes, "a");
  EXPECT_FALSE(request.inputs[2].picture);
  EXPECT_EQ(request.inputs[2].bytes, "é");
  EXPECT_EQ(request.k, 3);
  EXPECT_EQ(parse_request(R"({"texts": ["a"]})").k, 10);
}

TEST(Request, RefusesWhatItDoesNotUnderstand) {
  for (const char* body : {"", "{", "[]", "null", "{\"texts\": \"a\"}", "{\"texts\": [1]}",
                           "{\"images\": {}}", "{\"texts\": []}", "{}",
                           "{\"texts\": [\"a\"], \"texts\": [\"b\"]}", "{\"texts\": [\"a\"], \"rows\": 1}",
                           "{\"texts\": [[[[[[]]]]]]}", "{\"texts\": [\"\xff\"]}", "{\"texts\": [\"a\"]} x"})
    EXPECT_NE(refusal(body), "") << body;
  for (const char* picture : {"*", "YQ", "YQ===", "Y Q==", "YQ==YQ=="})
    EXPECT_THAT(refusal("{\"images\": [\"" + std::string(picture) + "\"]}"), HasSubstr("images[0]"))
        << picture;
  for (const char* k : {"0", "-1", "1001", "1.5", "\"3\"", "null", "18446744073709551615", "1e3"})
    EXPECT_THAT(refusal("{\"texts\": [\"a\"], \"k\": " + std::string(k) + "}"), HasSubstr("k: expected"))
        << k;
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
