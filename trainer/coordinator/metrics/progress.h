#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "common/log.h"

namespace lodestone::coordinator {

/// How progress is displayed.
struct ProgressStyle {
  /// One line that is redrawn in place; otherwise plain lines without control characters.
  bool terminal = false;
  /// Columns of the terminal.
  int width = 80;
  /// Shortest time between plain lines; a bar is redrawn ten times a second.
  std::chrono::milliseconds interval{
      5000};                    ///< at most one plain line in this time; a bar is drawn ten times a second
  const char* unit = "images";  ///< what is counted per second
  const char* step = "step";    ///< first word of a plain line
  /// Receives plain lines; if unset they are written to the stream.
  std::function<void(const std::string&)> line = {};

  /// The style for stderr: a bar on a terminal, unless the log is JSON; otherwise lines of the log.
  static ProgressStyle for_stderr(const Log& log);
};

/// The state of a run that is displayed after a step.
struct ProgressState {
  int64_t step = 0;
  std::optional<double> loss;
  double samples_per_second = 0;
  std::string evaluation = {};  ///< the main metric of the last evaluation: "eer 3.20 % at step 500"
};

/// Displays the progress of a run, or of any work of known length: a bar on a terminal, lines otherwise. It
/// is not for results, which go to stdout.
/// Threads   caller serializes
class Progress {
 public:
  /// Steps before `first_step` were done by an earlier process and do not count in
  /// the estimate of the time left.
  Progress(std::ostream& out, int64_t first_step, int64_t total_steps, ProgressStyle style);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Displays the state, at most once per interval; the first and the last step are always displayed.
  void update(const ProgressState& state);
  /// Removes the bar from the terminal, so that other lines can be printed; the next update draws it again.
  void clear();
  /// Leaves the last state as a line of its own. The destructor does the same.
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

/// A duration as "0:07", "12:34" or "3:04:05".
std::string format_duration(double seconds);

}  // namespace lodestone::coordinator
