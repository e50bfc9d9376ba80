#include <algorithm>
#include <vector>

#include "common/foreign_line.h"
#include "common/line_splitter.h"
#include "common/printable.h"
#include "common/utf8.h"
#include "fuzz/input.h"

using namespace lodestone;

namespace {

// Lines that no piece of the text may change, but for the longest, which go in parts.
std::vector<std::string> lines_of(std::string_view text, size_t piece) {
  std::vector<std::string> lines;
  const auto use = [&](std::string_view line) { lines.emplace_back(line); };
  LineSplitter splitter;
  for (size_t at = 0; at < text.size(); at += piece) splitter.take(text.substr(at, piece), use);
  splitter.finish(use);
  return lines;
}

}  // namespace

/// What other programs write on stderr. The first byte is the length of the pieces in which it comes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text = fuzz::text(data + 1, size - 1);
  const std::vector<std::string> lines = lines_of(text, 1 + data[0]);
  if (lines != lines_of(text, std::max<size_t>(1, text.size()))) std::abort();
  for (const std::string& line : lines) {
    const ForeignLine read = read_foreign_line(line, Logger::Level::kWarn);
    if (read.message.size() > line.size() + 3 || (is_log_line(line) && is_glog_line(line))) std::abort();
    const std::string shown = printable(read.message);
    if (!is_utf8(shown) || printable(shown) != shown) std::abort();
    for (const char c : shown)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) std::abort();
  }
  return 0;
}
