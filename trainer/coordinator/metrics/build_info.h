#pragma once

#include <string>

namespace lodestone {

/// "0.1.0"
std::string lodestone_version();

/// "2.11.0": of the LibTorch that was compiled against.
std::string libtorch_version();

}  // namespace lodestone
