#pragma once

#include <functional>
#include <string>

namespace lodestone {

/// Takes a sentence that a person should read; the run goes on. An empty one drops it.
using Warn = std::function<void(const std::string&)>;

}  // namespace lodestone
