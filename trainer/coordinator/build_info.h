#pragma once

#include <string>

namespace lodestone::coordinator {

/// The version of this program, such as "0.1.0".
std::string lodestone_version();

/// The version of LibTorch that the program was compiled against, such as "2.11.0".
std::string libtorch_version();

}  // namespace lodestone::coordinator
