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

/// The description of one tensor in a safetensors header.
struct TensorSlice {
  at::ScalarType dtype;
  std::vector<int64_t> shape;
  uint64_t begin = 0;  ///< first byte, counted from the start of the file
  uint64_t end = 0;    ///< one past the last byte
};

/// The header of a safetensors file.
struct SafetensorsHeader {
  std::map<std::string, TensorSlice> tensors;
  std::map<std::string, std::string> metadata;
};

/// Encodes tensors as a safetensors file: u64 length of the header, JSON header, data. Tensors may be on any
/// device and strided; F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL can be stored.
/// Order     names are sorted in the header; data by decreasing element size, then by name, so that each
///           tensor is aligned.
/// Ensures   the same tensors give the same bytes.
/// Throws    CheckpointError for another dtype, an undefined tensor or a name that is not UTF-8.
std::string encode_safetensors(const TensorMap& tensors,
                               const std::map<std::string, std::string>& metadata = {});

/// Reads the header and checks it against the file: at most 100 MB, every byte of data in exactly one tensor,
/// sizes that fit shape and dtype, no key twice. The bytes are untrusted. `name` is the file's name for
/// messages.
/// Throws    CheckpointError for anything wrong with the bytes.
SafetensorsHeader read_safetensors_header(std::string_view file, const std::string& name);

/// The tensors of a safetensors file, on the CPU, in memory of their own. Checks and throws as
/// read_safetensors_header.
TensorMap decode_safetensors(std::string_view file, const std::string& name);

/// Writes a safetensors file, replacing `path` atomically. Throws IoError, and as encode_safetensors.
void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// Reads a safetensors file. Throws IoError if it cannot be read, and as decode_safetensors.
TensorMap read_safetensors(const std::filesystem::path& path);

}  // namespace lodestone
