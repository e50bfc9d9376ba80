#pragma once

#include <mutex>
#include <streambuf>
#include <string_view>

#include "common/line_splitter.h"
#include "common/log.h"

namespace lodestone {

/// During its lifetime, turns LibTorch's warnings and log lines on std::cerr into lines of the log. If the
/// log is JSON, it does so with everything written to std::cerr; if it is text, everything else passes
/// through unchanged, such as usage texts and progress bars. It does not see output that bypasses the stream,
/// such as that of C libraries. The destructor restores the stream's own buffer and writes the unfinished
/// line.
/// Requires  no other object of this class exists.
/// Threads   std::cerr stays as thread-safe as it is.
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

/// Sends the following lines to this log, whose rank is known, in the chosen format. Has no effect without a
/// StderrLines.
void send_stderr_lines_to(Log log);

}  // namespace lodestone
