#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace lodestone {

/// Tensors by name.
using TensorMap = std::map<std::string, at::Tensor>;

/// One tensor of a safetensors file, as its header describes it.
struct TensorSlice {
  at::ScalarType dtype;
  std::vector<int64_t> shape;
  uint64_t begin = 0;  ///< first byte, counted from the start of the file
  uint64_t end = 0;    ///< one past the last byte
};

/// What stands before the data of a safetensors file.
struct SafetensorsHeader {
  std::map<std::string, TensorSlice> tensors;
  std::map<std::string, std::string> metadata;
};

/// The tensors as one safetensors file: u64 length of the header, JSON header, data. The same tensors give
/// the same bytes. Tensors may be on any device and strided; F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL can be
/// stored. Order    names sorted in the header; data by falling element size, then name, so that each tensor
/// is aligned Throws   CheckpointError for another dtype, an undefined tensor or a name that isn't UTF-8
std::string encode_safetensors(const TensorMap& tensors,
                               const std::map<std::string, std::string>& metadata = {});

/// The header of a safetensors file, checked against the file: at most 100 MB, every byte of data in exactly
/// one tensor, sizes that fit shape and dtype, no key twice. `name` is the file's name for messages. The
/// bytes are untrusted. Throws CheckpointError for whatever is wrong with them.
SafetensorsHeader read_safetensors_header(std::string_view file, const std::string& name);

/// The tensors of a safetensors file, on the CPU and owning their memory. As read_safetensors_header.
TensorMap decode_safetensors(std::string_view file, const std::string& name);

/// Replaces `path` atomically. Throws IoError, or as encode_safetensors.
void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// Throws IoError if the file can't be read, else as decode_safetensors.
TensorMap read_safetensors(const std::filesystem::path& path);

}  // namespace lodestone
