// Where weights lie: files, folders, shards and their index, and what is taken for weights.
#include "trainer/encoders/weights_files.h"

#include <fstream>

#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "support/growth.h"
#include "support/texts.h"
#include "trainer/encoders/weight_names.h"
#include "trainer/encoders/weights_index.h"

namespace lodestone::testing {
using namespace encoders;
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class WeightsFiles : public ::testing::Test {
 protected:
  std::string shard(const std::string& name, const TensorMap& tensors) const {
    write_safetensors(path(name), tensors);
    return name;
  }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  std::string path(const std::string& name) const { return folder_.path() / name; }
  std::string refusal(const std::string& file) const {
    return message_of<DataError>([&] { read_weights(weights_file(file)); });
  }
  TempFolder folder_;
};

TEST_F(WeightsFiles, AreFoundInAFolder) {
  EXPECT_THAT(refusal(folder_.path()), AllOf(HasSubstr("model.safetensors"), HasSubstr("neither")));
  write("pytorch_model.bin", "PK\x03\x04");
  EXPECT_THAT(refusal(folder_.path()), AllOf(HasSubstr("pytorch_model.bin"), HasSubstr("weights_only=True")));
  shard("s.safetensors", {{"a", at::ones({2})}});
  const std::string index =
      write("model.safetensors.index.json", R"({"weight_map": {"a": "s.safetensors"}})");
  EXPECT_EQ(weights_file(folder_.path()), index);
  EXPECT_TRUE(read_weights(index).tensors.contains("a"));
  shard("model.safetensors", {{"b", at::ones({2})}});
  EXPECT_EQ(weights_file(folder_.path()), path("model.safetensors"));
  EXPECT_THROW(read_weights(weights_file("/nowhere/w.safetensors")), IoError);
}

TEST_F(WeightsFiles, ShardsAreReadTogether) {
  shard("m-00001-of-00002.safetensors", {{"a", at::ones({2})}, {"shared", at::ones({1})}});
  shard("m-00002-of-00002.safetensors", {{"b", at::ones({3})}, {"shared", at::ones({1}) * 2}});
  const auto index = [&](const std::string& map) {
    return write("x.index.json", R"({"metadata": {}, "weight_map": {)" + map + "}}");
  };
  const std::string a = R"("a": "m-00001-of-00002.safetensors")",
                    b = R"("b": "m-00002-of-00002.safetensors")";
  const TensorMap all =
      read_weights(index(a + "," + b + R"(, "shared": "m-00002-of-00002.safetensors")")).tensors;
  EXPECT_EQ(all.size(), 3U);
  EXPECT_EQ(all.at("shared").item<float>(), 2);
  EXPECT_THAT(refusal(index(a + R"(, "c": "m-00002-of-00002.safetensors")")),
              AllOf(HasSubstr("'c'"), HasSubstr("m-00002-of-00002.safetensors")));
  EXPECT_THAT(refusal(index(a + R"(, "b": "m-00003-of-00002.safetensors")")), HasSubstr("m-00003"));
  std::filesystem::create_directory(path("folder.safetensors"));
  EXPECT_THAT(refusal(index(R"("a": "folder.safetensors")")), HasSubstr("folder.safetensors"));
  write("bad.safetensors", "nothing");
  EXPECT_THAT(refusal(index(R"("a": "bad.safetensors")")), HasSubstr("bad.safetensors"));
}

TEST_F(WeightsFiles, ShardsStayBesideTheirIndex) {
  for (const char* map :
       {R"({"a": "../w.safetensors"})", R"({"a": "/etc/w.safetensors"})", R"({"a": "sub/w.safetensors"})",
        R"({"a": "..\\w.safetensors"})", R"({"a": "w\u0000.safetensors"})", R"({"a": ".safetensors"})",
        R"({"a": "pytorch_model.bin"})", R"({"a": 1})", R"({})", R"([])", R"("w.safetensors")"})
    EXPECT_THROW(parse_weights_index(std::string(R"({"weight_map": )") + map + "}", "i"), DataError) << map;
  for (const char* text :
       {"", "{", "[]", "{}", R"({"weight_map": {"a": "x.safetensors", "a": "y.safetensors"}})"})
    EXPECT_THROW(parse_weights_index(text, "i"), DataError) << text;
}

TEST_F(WeightsFiles, WhatIsTakenForWeightsIsNamed) {
  using namespace std::string_literals;
  const auto said = [&](const std::string& begin) {
    return refusal(write("w.bin", begin + std::string(100, 'x')));
  };
  EXPECT_THAT(said("PK\x03\x04"s), AllOf(HasSubstr("torch.save"), HasSubstr("safetensors.torch")));
  EXPECT_THAT(said("\x80\x02"s), AllOf(HasSubstr("a pickle"), HasSubstr("run any code")));
  EXPECT_THAT(said("version https://git-lfs.github.com/spec/v1\n"), HasSubstr("git lfs pull"));
  EXPECT_THAT(said("\x89HDF\r\n"s), HasSubstr("HDF5"));
  EXPECT_THAT(said("GGUF"s), HasSubstr("GGUF"));
  EXPECT_THAT(said("<!doctype html>"), HasSubstr("web page"));
  EXPECT_THAT(said("something else"), HasSubstr("can't be read"));
}

TEST(WeightsIndex, IsReadInLinearTime) {
  const auto index = [](size_t n) {
    std::string map;
    for (size_t i = 0; i < n; ++i) map += (i ? ",\"t" : "\"t") + std::to_string(i) + "\":\"s.safetensors\"";
    return "{\"weight_map\":{" + map + "}}";
  };
  expect_linear(index, [](const std::string& text) { parse_weights_index(text, "i"); });
}

TEST(WeightNames, AreMatchedInLinearTime) {
  for (const char* begin : {"model.layers.", "....", "layers.gamma.beta.", "."})
    expect_linear(
        [&](size_t n) {
          std::vector<std::string> names;
          for (size_t i = 0; i < n; ++i) names.push_back(begin + std::to_string(i) + ".gamma");
          return names;
        },
        [](const std::vector<std::string>& names) {
          const WeightNames found = match_names({"layers.1.weight", "layers.2.weight"}, names, "");
          foreign_parts(found.left_over, names);
        },
        1000, 1 << 18);
  expect_linear([](size_t n) { return std::string(n, '.'); },
                [](const std::string& name) {
                  match_names({"a.weight"}, {name}, "");
                  is_of_head(name, name);
                },
                1000, 1 << 20);
}

}  // namespace
}  // namespace lodestone::testing
