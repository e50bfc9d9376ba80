#pragma once

#include <string>

namespace lodestone {

/// This host's name, from the kernel.
std::string host_name();

}  // namespace lodestone
