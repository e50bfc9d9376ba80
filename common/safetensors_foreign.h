#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/safetensors.h"

namespace lodestone {

/// The content of a safetensors file from another program: tensors, and the names and types of those whose
/// element type this library cannot read (F8_E4M3, U16 …).
struct ForeignTensors {
  TensorMap tensors;
  std::map<std::string, std::string> unreadable;
};

/// Like decode_safetensors, but accepts unknown element types: the caller knows whether it needs such a
/// tensor.
ForeignTensors decode_foreign_safetensors(std::string_view file, const std::string& name);

}  // namespace lodestone
