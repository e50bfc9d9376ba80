#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "common/log.h"

namespace lodestone {

/// How progress is shown.
struct ProgressStyle {
  bool terminal = false;  ///< one line that is drawn over; else plain lines, no control characters
  int width = 80;         ///< columns of the terminal
  std::chrono::milliseconds interval{
      5000};                    ///< at most one plain line in this time; a bar is drawn ten times a second
  const char* unit = "images";  ///< what is counted a second
  const char* step = "step";    ///< what a plain line begins with
  /// Takes plain lines; unset: they go to the stream.
  std::function<void(const std::string&)> line = {};

  /// What fits stderr: a bar on a terminal, unless the log is JSON; else lines of the log.
  static ProgressStyle for_stderr(const Log& log);
};

/// What is shown of a step.
struct ProgressState {
  int64_t step = 0;
  std::optional<double> loss;
  double samples_per_second = 0;
  std::optional<double> recall;  ///< recall_at_1 of the last evaluation
};

/// Shows how far a run, or anything else of known length, is: a bar on a terminal, lines elsewhere. Not for results, which go to stdout.
/// Threads: caller serializes.
class Progress {
 public:
  /// Steps before `first_step` were done by an earlier process and don't enter the time left.
  Progress(std::ostream& out, int64_t first_step, int64_t total_steps, ProgressStyle style);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// The first and the last step are always shown.
  void update(const ProgressState& state);
  /// Takes the bar off the terminal, so that other lines can be printed; the next update draws it again.
  void clear();
  /// Leaves the last state as a line of its own. The destructor does it too.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  std::string text(const ProgressState& state) const;
  void draw(const ProgressState& state);

  std::ostream& out_;
  int64_t first_step_;
  int64_t total_steps_;
  ProgressStyle style_;
  Clock::time_point start_;
  std::optional<Clock::time_point> shown_;
  bool drawn_ = false;
};

/// "0:07", "12:34", "3:04:05".
std::string format_duration(double seconds);

}  // namespace lodestone
