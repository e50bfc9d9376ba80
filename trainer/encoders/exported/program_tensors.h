#pragma once

#include <map>
#include <string>

#include "trainer/encoders/exported/export_file.h"

namespace lodestone::encoders::exported {

/// A tensor of the file.
struct StoredTensor {
  at::Tensor tensor;  ///< float32 if the file has half precision
  bool learned = false;
};

/// The weights and constants of a program of the file, by name. Names that share their memory in the file
/// share a tensor. Sizes, strides and offsets are checked against the bytes that the file has.
/// Cost      at most twice the file's bytes, besides the file
/// Throws    DataError
std::map<std::string, StoredTensor> read_tensors(const ExportFile& file, const std::string& program);

}  // namespace lodestone::encoders::exported
