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

/// The weights and constants of a file, by name. Names that share their memory in the file share a tensor.
/// Sizes, strides and offsets are checked against the bytes that the file has.
/// Throws    DataError
std::map<std::string, StoredTensor> read_tensors(const ExportFile& file);

}  // namespace lodestone::encoders::exported
