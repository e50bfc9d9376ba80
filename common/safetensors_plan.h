#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/safetensors.h"

namespace lodestone {

/// A safetensors file but for its data: what stands before it and where each tensor's bytes go.
struct SafetensorsPlan {
  struct Place {
    std::string name;
    at::Tensor tensor;    ///< as it was given: on any device, strided
    uint64_t offset = 0;  ///< of its first byte, counted from the start of the file
    uint64_t bytes = 0;
  };
  std::string head;           ///< u64 length of the header, then the header
  std::vector<Place> places;  ///< in the order of the data, without holes
  uint64_t bytes = 0;         ///< of the whole file
};

/// The plan of the file that encode_safetensors makes. Touches no data. Throws as encode_safetensors.
SafetensorsPlan plan_safetensors(const TensorMap& tensors,
                                 const std::map<std::string, std::string>& metadata = {});

}  // namespace lodestone
