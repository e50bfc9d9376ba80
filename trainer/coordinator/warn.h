#pragma once

#include <functional>
#include <string>

namespace lodestone {

/// Receives one sentence for the user about a problem that does not stop the run. An empty function drops it.
using Warn = std::function<void(const std::string&)>;

}  // namespace lodestone
