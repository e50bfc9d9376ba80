#include "common/safetensors.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include "common/files.h"

namespace lodestone {
namespace {

TensorMap one_of_each() {
  TensorMap tensors;
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort,
                          at::kChar, at::kByte})
    tensors[std::string("t.") + c10::toString(type)] = at::arange(6, at::kFloat).to(type).reshape({2, 3});
  tensors["t.bool"] = at::arange(5, at::kLong).remainder(2).to(at::kBool);
  tensors["scalar"] = at::full({}, -0.0, at::kFloat);
  tensors["empty"] = at::empty({0}, at::kHalf);
  tensors["empty rows"] = at::empty({4, 0, 3}, at::kLong);
  return tensors;
}

void expect_equal(const TensorMap& a, const TensorMap& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    const at::Tensor& other = b.at(name);
    EXPECT_EQ(tensor.scalar_type(), other.scalar_type()) << name;
    EXPECT_EQ(tensor.sizes(), other.sizes()) << name;
    EXPECT_TRUE(tensor.equal(other)) << name;
  }
}

TEST(Safetensors, MetadataMayHaveAnyBytesAndNamesOfTensorsMayNot) {
  const TensorMap tensors = one_of_each();
  const std::string file = encode_safetensors(tensors, {{"source", "caf\xe9"}});
  EXPECT_EQ(read_safetensors_header(file, "memory").metadata.at("source"), "caf\uFFFD");
  expect_equal(tensors, decode_safetensors(file, "memory"));
  EXPECT_THROW(encode_safetensors({{"caf\xe9", at::empty({1}, at::kFloat)}}), CheckpointError);
}

TEST(Safetensors, RoundTripOfEveryTypeAndShape) {
  const TensorMap tensors = one_of_each();
  const std::string file = encode_safetensors(tensors, {{"format", "pt"}});
  expect_equal(tensors, decode_safetensors(file, "memory"));
  const auto header = read_safetensors_header(file, "memory");
  EXPECT_EQ(header.metadata.at("format"), "pt");
  for (const auto& [name, slice] : header.tensors)
    EXPECT_EQ(slice.begin % static_cast<uint64_t>(tensors.at(name).element_size()), 0U)
        << name << " is not aligned";
}

TEST(Safetensors, LayoutIsTheFormats) {
  const std::string file =
      encode_safetensors({{"b", at::full({2}, 1, at::kByte)}, {"a", at::full({1}, 2, at::kByte)}});
  const std::string header =
      R"({"a":{"data_offsets":[0,1],"dtype":"U8","shape":[1]},"b":{"data_offsets":[1,3],"dtype":"U8","shape":[2]}})";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  const std::string length{static_cast<char>(header.size() + padding.size()), 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(file, length + header + padding + "\x02\x01\x01");
  EXPECT_EQ(file, encode_safetensors(decode_safetensors(file, "memory")));
}

TEST(Safetensors, NoTensors) {
  EXPECT_TRUE(decode_safetensors(encode_safetensors({}), "memory").empty());
}

TEST(Safetensors, StridedTensorsAreStoredAsTheyRead) {
  const at::Tensor transposed = at::arange(6, at::kFloat).reshape({2, 3}).t();
  EXPECT_TRUE(
      decode_safetensors(encode_safetensors({{"t", transposed}}), "memory").at("t").equal(transposed));
}

TEST(Safetensors, NanAndSignOfZeroKeepTheirBits) {
  const at::Tensor values = at::arange(0x7fc00001, 0x7fc00005, at::kInt).view(at::kFloat);
  const auto back = decode_safetensors(encode_safetensors({{"nan", values}}), "memory").at("nan");
  EXPECT_TRUE(back.view(at::kInt).equal(values.view(at::kInt)));
}

TEST(Safetensors, FileRoundTrip) {
  const TempFolder folder;
  write_safetensors(folder.path() / "t.safetensors", one_of_each());
  expect_equal(one_of_each(), read_safetensors(folder.path() / "t.safetensors"));
  EXPECT_THROW(read_safetensors(folder.path() / "absent.safetensors"), IoError);
  EXPECT_THROW(write_safetensors(folder.path() / "absent" / "t.safetensors", {}), IoError);
}

TEST(Safetensors, WhatCannotBeStoredIsRefused) {
  EXPECT_THROW(encode_safetensors({{"complex", at::empty({1}, at::kComplexFloat)}}), CheckpointError);
  EXPECT_THROW(encode_safetensors({{"undefined", at::Tensor()}}), CheckpointError);
  EXPECT_THROW(encode_safetensors({{"__metadata__", at::empty({1}, at::kFloat)}}), CheckpointError);
  EXPECT_THROW(encode_safetensors({{"\xff", at::empty({1}, at::kFloat)}}), CheckpointError);
}

}  // namespace
}  // namespace lodestone
