#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <c10/core/ScalarType.h>

// Definitions shared by the reader and the writer of safetensors.
namespace lodestone {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kLengthBytes = 8;
constexpr const char* kMetadataKey = "__metadata__";

/// An element type and its name in the format.
struct SafetensorsDtype {
  const char* name;
  at::ScalarType type;
  uint64_t bytes;
};

constexpr std::array<SafetensorsDtype, 10> kSafetensorsDtypes{{{"F64", at::kDouble, 8},
                                                               {"F32", at::kFloat, 4},
                                                               {"F16", at::kHalf, 2},
                                                               {"BF16", at::kBFloat16, 2},
                                                               {"I64", at::kLong, 8},
                                                               {"I32", at::kInt, 4},
                                                               {"I16", at::kShort, 2},
                                                               {"I8", at::kChar, 1},
                                                               {"U8", at::kByte, 1},
                                                               {"BOOL", at::kBool, 1}}};

inline const SafetensorsDtype* find_dtype(at::ScalarType type) {
  for (const auto& dtype : kSafetensorsDtypes)
    if (dtype.type == type) return &dtype;
  return nullptr;
}

inline const SafetensorsDtype* find_dtype(std::string_view name) {
  for (const auto& dtype : kSafetensorsDtypes)
    if (name == dtype.name) return &dtype;
  return nullptr;
}

inline std::string dtype_names() {
  std::string names;
  for (const auto& dtype : kSafetensorsDtypes) names += (names.empty() ? "" : " ") + std::string(dtype.name);
  return names;
}

}  // namespace lodestone
