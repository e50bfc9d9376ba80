#pragma once

#include <cstdint>
#include <string>

#include "common/log.h"

namespace lodestone {

/// What lines of the log look like.
enum class LogFormat {
  kText,  ///< 2026-11-30T21:09:18.166+01:00 info [rank 3] message
  kJson,  ///< {"level":"info","message":"…","rank":3,"step":120,"time":"2026-11-30T21:09:18.166+01:00"}
};

/// LODESTONE_LOG_FORMAT, text unless it is set. A value that is neither reads as text here: check_log_variables() tells of it.
LogFormat log_format();

/// What the configuration asks for (text or json): it counts from now on, for what this process starts too, unless
/// LODESTONE_LOG_FORMAT is set, which counts before. Requires a process whose threads read no environment meanwhile.
void choose_log_format(const std::string& format);

/// Throws ConfigError if LODESTONE_LOG_FORMAT or LODESTONE_LOG has a value that means nothing.
void check_log_variables();

/// Lines of `log` that follow bear this step, in JSON. Another logger than make_log's takes no notice.
void tell_step(Logger& log, int64_t step);

}  // namespace lodestone
