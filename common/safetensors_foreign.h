#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/safetensors.h"

namespace lodestone {

/// A safetensors file that another program wrote: tensors, and those of an element type that can't be read here (F8_E4M3, U16 …),
/// by name, with the type's name.
struct ForeignTensors {
  TensorMap tensors;
  std::map<std::string, std::string> unreadable;
};

/// As decode_safetensors, but for unknown element types: whether a tensor of one is needed is for the caller to know.
ForeignTensors decode_foreign_safetensors(std::string_view file, const std::string& name);

}  // namespace lodestone
