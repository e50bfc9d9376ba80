#pragma once

#include <cstdint>
#include <string>

namespace lodestone {

/// A count with its noun: "1 rank", "3 ranks". `many` is the plural where it is not `one` with an s.
inline std::string counted(int64_t count, const std::string& one, const std::string& many = "") {
  return std::to_string(count) + " " + (count == 1 ? one : many.empty() ? one + "s" : many);
}

}  // namespace lodestone
