#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/safetensors.h"

// Files as an attacker or a bad disk would make them: each is refused with a message, none crashes or
// allocates by what the file claims.
namespace lodestone {
namespace {

std::string file_with_length(uint64_t length, const std::string& rest) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(length >> (8 * i));
  return file + rest;
}

std::string file_with(const std::string& header, size_t data_bytes) {
  return file_with_length(header.size(), header + std::string(data_bytes, '\0'));
}

std::string refusal(const std::string& file) {
  try {
    decode_safetensors(file, "hostile.safetensors");
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(SafetensorsHostile, HeaderLength) {
  EXPECT_THAT(refusal(""), testing::HasSubstr("at least 8 bytes"));
  EXPECT_THAT(refusal("1234567"), testing::HasSubstr("at least 8 bytes"));
  EXPECT_THAT(refusal(file_with_length(0, "")), testing::HasSubstr("begins with '{'"));
  EXPECT_THAT(refusal(file_with_length(3, "{}")), testing::HasSubstr("a header of 3 bytes"));
  EXPECT_THAT(refusal(file_with_length(100'000'001, "{}")), testing::HasSubstr("100 MB"));
  EXPECT_THAT(refusal(file_with_length(UINT64_MAX, "{}")), testing::HasSubstr("100 MB"));
  EXPECT_THAT(refusal(file_with_length(UINT64_MAX - 7, "{}")), testing::HasSubstr("100 MB"));
}

struct HostileHeader {
  const char* header;
  size_t data_bytes;
  const char* reason;
};

class SafetensorsHostileHeader : public testing::TestWithParam<HostileHeader> {};

TEST_P(SafetensorsHostileHeader, IsRefused) {
  const auto& hostile = GetParam();
  EXPECT_THAT(refusal(file_with(hostile.header, hostile.data_bytes)), testing::HasSubstr(hostile.reason));
}

const HostileHeader kGrammar[] = {
    {"[]", 0, "begins with '{'"},
    {" {}", 0, "begins with '{'"},
    {"{", 0, "valid JSON"},
    {"{} x", 0, "valid JSON"},
    {"{\"\xff\":1}", 0, "valid JSON"},
    {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
     1, "'a' twice"},
    {R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1, "'dtype' twice"},
    {R"({"a":{"dtype":"U8","shape":[[[[1]]]],"data_offsets":[0,1]}})", 1, "levels"},
    {R"({"a":1})", 0, "other members"},
    {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":1}})", 1, "other members"},
    {R"({"a":{"dtype":"U8","shape":[1],"offsets":[0,1]}})", 1, "'data_offsets'"},
    {R"({"__metadata__":{"a":1}})", 0, "mapping of texts"},
    {R"({"__metadata__":"a"})", 0, "mapping of texts"},
};
const HostileHeader kValues[] = {
    {R"({"a":{"dtype":"U9","shape":[1],"data_offsets":[0,1]}})", 1, "dtype one of"},
    {R"({"a":{"dtype":8,"shape":[1],"data_offsets":[0,1]}})", 1, "dtype one of"},
    {R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", 1, "sizes from 0"},
    {R"({"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})", 1, "sizes from 0"},
    {R"({"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,1]}})", 1, "sizes from 0"},
    {R"({"a":{"dtype":"U8","shape":[99999999999999999999999],"data_offsets":[0,1]}})", 1, "sizes from 0"},
    {R"({"a":{"dtype":"U8","shape":{},"data_offsets":[0,1]}})", 1, "shape an array"},
    {R"({"a":{"dtype":"F64","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0, "2^63"},
    {R"({"a":{"dtype":"F32","shape":[4611686018427387904,0,4],"data_offsets":[0,0]}})", 0, "2^63"},
    {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, "8 bytes by shape"},
    {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})", 1, "within 1 bytes"},
    {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,2]}})", 1, "within 1 bytes"},
    {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", 1, "[begin, end]"},
    {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}})", 1, "[begin, end]"},
    {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[18446744073709551615,0]}})", 1, "within 1 bytes"},
};
const HostileHeader kLayout[] = {
    {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2, "holes or overlaps"},
    {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 2, "a file of"},
    {"{}", 1, "a file of"},
    {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
     3, "holes or overlaps"},
    {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
     2, "holes or overlaps"},
    {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
     3, "holes or overlaps"},
};

INSTANTIATE_TEST_SUITE_P(Grammar, SafetensorsHostileHeader, testing::ValuesIn(kGrammar));
INSTANTIATE_TEST_SUITE_P(Values, SafetensorsHostileHeader, testing::ValuesIn(kValues));
INSTANTIATE_TEST_SUITE_P(Layout, SafetensorsHostileHeader, testing::ValuesIn(kLayout));

TEST(SafetensorsHostile, AnotherKindOfFileIsNamed) {
  const std::pair<std::string, std::string> kinds[] = {
      {"\x93NUMPY\x01", "got a NumPy array"}, {"PK\x03\x04", "got a ZIP file"},
      {"\x80\x05", "got a pickle"},           {"\x89PNG\r\n", "got a PNG image"},
      {"<!doctype", "got a web page"},        {"[1]", "got a text in JSON"}};
  for (const auto& [bytes, said] : kinds) {
    try {
      decode_safetensors(bytes + std::string(100, ' '), "x.npy");
      ADD_FAILURE() << said;
    } catch (const CheckpointError& error) {
      EXPECT_NE(std::string(error.what()).find(said), std::string::npos) << error.what();
      EXPECT_EQ(std::string(error.what()).find("damaged"), std::string::npos) << error.what();
    }
  }
  // A header of 123 bytes begins with the byte of a brace.
  const std::string header = "{}" + std::string(121, ' ');
  EXPECT_TRUE(decode_safetensors("{" + std::string(7, '\0') + header, "x").empty());
}

TEST(SafetensorsHostile, BoolsOtherThanZeroAndOne) {
  const std::string header = R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})";
  EXPECT_THAT(refusal(file_with_length(header.size(), header + "\x01\x02")),
              testing::HasSubstr("BOOL bytes 0 or 1"));
}

TEST(SafetensorsHostile, NestingAndLongArraysDoNotGrow) {
  EXPECT_THAT(refusal(file_with("{\"a\":" + std::string(1'000'000, '['), 0)), testing::HasSubstr("levels"));
  std::string sizes = "0";
  for (int i = 0; i < 100'000; ++i) sizes += ",0";
  EXPECT_THAT(
      refusal(file_with("{\"a\":{\"dtype\":\"U8\",\"shape\":[" + sizes + "],\"data_offsets\":[0,0]}}", 0)),
      testing::HasSubstr("more than 64 items"));
}

}  // namespace
}  // namespace lodestone
