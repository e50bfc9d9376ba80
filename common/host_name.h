#pragma once

#include <string>

namespace lodestone {

/// This host's own name, as the kernel has it.
std::string host_name();

}  // namespace lodestone
