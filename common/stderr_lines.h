#pragma once

#include <mutex>
#include <streambuf>
#include <string_view>

#include "common/line_splitter.h"
#include "common/log.h"

namespace lodestone {

/// While it lives, what LibTorch warns of and logs, which it does on std::cerr, comes out as lines of the log; where the log is JSON,
/// so does all else that is written there. As text, that passes through as it is: usage, a bar that is drawn over. What bypasses
/// the stream, as C libraries do, is not seen. The destructor puts the stream's own buffer back and writes what lacks its end.
/// Requires that no other object of this kind lives. Threads    std::cerr stays as safe as it is
class StderrLines : private std::streambuf {
 public:
  explicit StderrLines(Log log);
  ~StderrLines() override;
  StderrLines(const StderrLines&) = delete;
  StderrLines& operator=(const StderrLines&) = delete;

 private:
  friend void send_stderr_lines_to(Log log);

  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int overflow(int c) override;
  int sync() override;
  void take(std::string_view text);
  void write_line(std::string_view line);

  std::mutex mutex_;
  Log log_;
  bool json_;
  std::streambuf* const stream_;  ///< std::cerr's own
  LineSplitter lines_;
};

/// From now on the lines are of this log, whose rank is known, and of the format that was chosen. Without a StderrLines nothing happens.
void send_stderr_lines_to(Log log);

}  // namespace lodestone
