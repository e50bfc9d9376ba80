#include "common/stderr_lines.h"

#include <atomic>
#include <iostream>
#include <utility>

#include "common/foreign_line.h"
#include "common/log_format.h"

namespace lodestone {

namespace {

// A process has one stderr.
std::atomic<StderrLines*> g_lines{nullptr};

}  // namespace

StderrLines::StderrLines(Log log)
    : log_(std::move(log)), json_(log_format() == LogFormat::kJson), stream_(std::cerr.rdbuf(this)) {
  g_lines = this;
}

StderrLines::~StderrLines() {
  g_lines = nullptr;
  std::cerr.rdbuf(stream_);
  lines_.finish([this](std::string_view line) { write_line(line); });
}

void send_stderr_lines_to(Log log) {
  StderrLines* lines = g_lines;
  if (lines == nullptr) return;
  const std::scoped_lock lock(lines->mutex_);
  lines->log_ = std::move(log);
  lines->json_ = log_format() == LogFormat::kJson;
}

std::streamsize StderrLines::xsputn(const char* text, std::streamsize size) {
  const std::scoped_lock lock(mutex_);
  take({text, static_cast<size_t>(size)});
  return size;
}

int StderrLines::overflow(int c) {
  if (c == traits_type::eof()) return traits_type::not_eof(c);
  const char one = traits_type::to_char_type(c);
  const std::scoped_lock lock(mutex_);
  take({&one, 1});
  return c;
}

int StderrLines::sync() {
  const std::scoped_lock lock(mutex_);
  return stream_->pubsync();
}

// LibTorch passes whole messages, which may have several lines.
void StderrLines::take(std::string_view text) {
  if (lines_.at_line_begin() && is_glog_line(text))
    return write_foreign_line(*log_, read_foreign_line(text, {}));
  if (json_) return lines_.take(text, [this](std::string_view line) { write_line(line); });
  stream_->sputn(text.data(), static_cast<std::streamsize>(text.size()));
}

void StderrLines::write_line(std::string_view line) {
  if (!line.empty()) write_foreign_line(*log_, read_foreign_line(line, Logger::Level::kWarn));
}

}  // namespace lodestone
