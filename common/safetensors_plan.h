#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/safetensors.h"

namespace lodestone {

/// The layout of a safetensors file: the bytes before the data, and the position of each tensor's data.
struct SafetensorsPlan {
  struct Place {
    std::string name;
    at::Tensor tensor;    ///< as it was passed: on any device, strided
    uint64_t offset = 0;  ///< of its first byte, from the start of the file
    uint64_t bytes = 0;
  };
  std::string head;           ///< u64 length of the header, then the header
  std::vector<Place> places;  ///< in the order of the data, without gaps
  uint64_t bytes = 0;         ///< of the whole file
};

/// Plans the file that encode_safetensors makes, without reading tensor data. Throws as encode_safetensors.
SafetensorsPlan plan_safetensors(const TensorMap& tensors,
                                 const std::map<std::string, std::string>& metadata = {});

}  // namespace lodestone
