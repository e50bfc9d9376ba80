#pragma once

#include <string>
#include <string_view>

#include "common/log.h"

namespace lodestone {

/// A line on stderr that was not written by our log.
struct ForeignLine {
  Logger::Level level = Logger::Level::kWarn;
  std::string message;
};

/// Parses LibTorch's "[W1130 21:09:18.166 reducer.cpp:327] Warning: …", with or without "[rank0]:" before it,
/// and other lines in glog's format, with the level that they name. Every other line has the level
/// `otherwise`, except "lodestone: error: …" as main prints it, which is an error.
ForeignLine read_foreign_line(std::string_view line, Logger::Level otherwise);

/// Whether the line has glog's format.
bool is_glog_line(std::string_view line);

/// Whether a line begins like one of our log, as text or as JSON.
bool is_log_line(std::string_view line);

/// Writes the line to the log, with its level.
void write_foreign_line(Logger& log, const ForeignLine& line);

}  // namespace lodestone
