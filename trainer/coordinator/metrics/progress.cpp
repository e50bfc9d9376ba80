#include "trainer/coordinator/metrics/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

#include "common/log_format.h"

namespace lodestone::coordinator {

namespace {

constexpr std::chrono::milliseconds kRedraw{100};

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e9) return "?";
  const auto whole = static_cast<long long>(std::lround(seconds));
  char text[32];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  }
  return text;
}

ProgressStyle ProgressStyle::for_stderr(const Log& log) {
  ProgressStyle style;
  style.terminal = ::isatty(STDERR_FILENO) == 1 && log_format() == LogFormat::kText;
  if (!style.terminal) style.line = [log](const std::string& line) { log->info("{}", line); };
  struct winsize size {};
  if (style.terminal && ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    style.width = size.ws_col;
  return style;
}

Progress::Progress(std::ostream& out, int64_t first_step, int64_t total_steps, ProgressStyle style)
    : out_(out), first_step_(first_step), total_steps_(total_steps), style_(style), start_(Clock::now()) {}

Progress::~Progress() {
  finish();
}

void Progress::update(const ProgressState& state) {
  const auto now = Clock::now();
  const auto wait = style_.terminal ? kRedraw : style_.interval;
  if (shown_ && now - *shown_ < wait && state.step < total_steps_) return;
  shown_ = now;
  draw(state);
}

void Progress::clear() {
  if (!drawn_) return;
  out_ << "\r\x1b[K" << std::flush;
  drawn_ = false;
  shown_.reset();
}

void Progress::finish() {
  if (drawn_) out_ << '\n' << std::flush;
  drawn_ = false;
}

std::string Progress::text(const ProgressState& state) const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  const auto done = static_cast<double>(state.step - first_step_);
  const double left = done > 0 ? elapsed / done * static_cast<double>(total_steps_ - state.step) : NAN;
  std::string line = std::to_string(state.step) + "/" + std::to_string(total_steps_);
  if (state.loss) line += "  loss " + formatted("%.4f", *state.loss);
  const double rate = state.samples_per_second;
  line += "  " + formatted(rate < 9.95 ? "%.1f " : "%.0f ", rate) + style_.unit + "/s  ETA " +
          format_duration(left);
  return state.evaluation.empty() ? line : line + "  " + state.evaluation;
}

void Progress::draw(const ProgressState& state) {
  const std::string line = text(state);
  if (style_.line) return style_.line(style_.step + (" " + line));
  if (!style_.terminal) {
    out_ << style_.step << ' ' << line << '\n' << std::flush;
    return;
  }
  // The last column stays empty: some terminals wrap when it is written.
  const int columns = std::max(style_.width - 1, 1);
  const int bar = std::min(columns - static_cast<int>(line.size()) - 3, 30);
  std::string drawn = line;
  if (bar >= 5) {
    const double share =
        static_cast<double>(state.step) / static_cast<double>(std::max<int64_t>(total_steps_, 1));
    const int filled = std::clamp(static_cast<int>(share * bar), 0, bar);
    drawn = "[" + std::string(static_cast<size_t>(filled), '=') +
            std::string(static_cast<size_t>(bar - filled), ' ') + "] " + line;
  }
  out_ << '\r' << drawn.substr(0, static_cast<size_t>(columns)) << "\x1b[K" << std::flush;
  drawn_ = true;
}

}  // namespace lodestone::coordinator
