#pragma once

#include <cstdint>
#include <string>

#include "common/fields.h"
#include "common/log.h"

namespace lodestone {

/// The format of the log's lines.
enum class LogFormat {
  kText,  ///< 2026-11-30T21:09:18.166+01:00 info [rank 3] message
  kJson,  ///< {"level":"info","message":"…","rank":3,"step":120,"time":"2026-11-30T21:09:18.166+01:00"}
};

inline constexpr Choice<LogFormat> kLogFormats[] = {{"text", LogFormat::kText}, {"json", LogFormat::kJson}};

/// LODESTONE_LOG_FORMAT, or text if it is not set or has another value; check_log_variables() reports such a
/// value.
LogFormat log_format();

/// Sets the format from the configuration, for this process and those that it starts.
/// LODESTONE_LOG_FORMAT takes precedence if it is set. Requires that no other thread reads the environment
/// meanwhile.
void choose_log_format(LogFormat format);

/// Throws ConfigError if LODESTONE_LOG_FORMAT or LODESTONE_LOG has an unknown value.
void check_log_variables();

/// Adds the step to the following JSON lines of `log`. Has no effect on loggers other than make_log's.
void set_log_step(Logger& log, int64_t step);

}  // namespace lodestone
