#include "common/foreign_line.h"

#include <cctype>
#include <optional>

namespace lodestone {

namespace {

using Level = Logger::Level;

constexpr std::string_view kOwnError = "lodestone: error: ";

// '0' in the pattern stands for a digit, every other character for itself.
bool begins_as(std::string_view text, std::string_view pattern) {
  if (text.size() < pattern.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(text[i])) != 0;
    if (pattern[i] == '0' ? !digit : text[i] != pattern[i]) return false;
  }
  return true;
}

std::optional<Level> level_of(char letter) {
  switch (letter) {
    case 'I':
      return Level::kInfo;
    case 'W':
      return Level::kWarn;
    case 'E':
    case 'F':
      return Level::kError;
    default:
      return {};
  }
}

// Once process groups exist, LibTorch puts the rank before its lines.
std::string_view without_rank(std::string_view line) {
  constexpr std::string_view kRank = "[rank";
  if (!line.starts_with(kRank)) return line;
  const size_t end = line.find("]:");
  return end == std::string_view::npos || end > kRank.size() + 8 ? line : line.substr(end + 2);
}

struct GlogLine {
  Level level;
  std::string_view place, message;
};

// "[W1130 21:09:18.166 file.cpp:12] text"; glog itself writes no leading bracket, and a thread number in
// between.
std::optional<GlogLine> glog_line(std::string_view line) {
  line = without_rank(line);
  if (line.starts_with('[')) line.remove_prefix(1);
  if (line.empty()) return {};
  const auto level = level_of(line.front());
  if (!level || !begins_as(line.substr(1), "0000 00:00:00")) return {};
  const size_t end = line.find(']');
  if (end == std::string_view::npos) return {};
  const std::string_view head = line.substr(0, end);
  std::string_view message = line.substr(end + 1);
  while (message.starts_with(' ')) message.remove_prefix(1);
  return GlogLine{*level, head.substr(head.rfind(' ') + 1), message};
}

}  // namespace

bool is_glog_line(std::string_view line) {
  return glog_line(line).has_value();
}

bool is_log_line(std::string_view line) {
  return begins_as(line, "0000-00-00T00:00:00.") || line.starts_with(R"({"level":")");
}

ForeignLine read_foreign_line(std::string_view line, Level otherwise) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (const auto glog = glog_line(line))
    return {glog->level, std::string(glog->message) + " (" + std::string(glog->place) + ")"};
  if (line.starts_with(kOwnError)) return {Level::kError, std::string(line.substr(kOwnError.size()))};
  return {otherwise, std::string(line)};
}

void write_foreign_line(Logger& log, const ForeignLine& line) {
  switch (line.level) {
    case Level::kDebug:
      return log.debug("{}", line.message);
    case Level::kInfo:
      return log.info("{}", line.message);
    case Level::kWarn:
      return log.warn("{}", line.message);
    case Level::kError:
      return log.error("{}", line.message);
  }
}

}  // namespace lodestone
