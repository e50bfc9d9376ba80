#pragma once

#include <functional>
#include <string>
#include <utility>

#include "common/log.h"

namespace lodestone::coordinator {

/// Receives one sentence for the user about a problem that does not stop the run. An empty function drops it.
using Warn = std::function<void(const std::string&)>;

/// Writes the sentences to the log, as warnings.
inline Warn warn_to(Log log) {
  return [log = std::move(log)](const std::string& sentence) { log->warn("{}", sentence); };
}

}  // namespace lodestone::coordinator
