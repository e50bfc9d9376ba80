#pragma once

#include <string>
#include <string_view>

#include "common/log.h"

namespace lodestone {

/// A line on stderr that another writer than our log put there.
struct ForeignLine {
  Logger::Level level = Logger::Level::kWarn;
  std::string message;
};

/// LibTorch's "[W1130 21:09:18.166 reducer.cpp:327] Warning: …", with "[rank0]:" before it or without, and whatever else is written in
/// glog's manner, with the level that it names. Everything else has the level `otherwise`; our own "lodestone: error: …", which
/// main prints, is an error.
ForeignLine read_foreign_line(std::string_view line, Logger::Level otherwise);

/// Is it in glog's manner?
bool is_glog_line(std::string_view line);

/// Does a line begin as one of our log does, as text or as JSON?
bool is_log_line(std::string_view line);

void write_foreign_line(Logger& log, const ForeignLine& line);

}  // namespace lodestone
