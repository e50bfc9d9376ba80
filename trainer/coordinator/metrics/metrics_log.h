#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "trainer/coordinator/warn.h"
#include "trainer/engine/step_metrics.h"

namespace lodestone::coordinator {

/// metrics.jsonl: one JSON object per line, of `kind` train, eval or event. Each line has been written
/// to the kernel when the call returns, so that it survives the end of the process (but not a power
/// failure: metrics are not worth an fsync). Values that are not finite become null. A line that cannot
/// be written (full disk) does not stop training: it is counted, the first one is passed to `warn`, and
/// any part of it in the file is removed.
/// Threads   caller serializes
class MetricsLog {
 public:
  /// Opens the file for appending. Removes an incomplete last line, left by a crash; with `resume_step` also
  /// the lines of later steps at the end of the file, which the resumed run will write again
  /// (cut_metrics_tail).
  /// Throws    IoError
  MetricsLog(std::filesystem::path path, std::optional<int64_t> resume_step, Warn warn);
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  /// Each of these returns whether the line was written.
  bool train(const engine::StepMetrics& metrics);
  /// `metrics` is an object of metrics by name; undefined ones are null.
  bool eval(int64_t step, std::string_view split, const nlohmann::json& metrics);
  /// `what`: "checkpoint", "restart", "warning" …
  bool event(int64_t step, std::string_view what, const nlohmann::json& details = nlohmann::json::object());

  int64_t lost_lines() const { return lost_lines_; }

 private:
  bool append(nlohmann::json line, std::string_view kind);
  bool lost(const std::string& reason);

  std::filesystem::path path_;
  Warn warn_;
  int fd_ = -1;
  int64_t lost_lines_ = 0;
};

/// Passes each line of a metrics.jsonl to `use`, in order. Lines that are not JSON objects (cut off by a
/// crash) are skipped.
/// Memory    one line at a time
/// Throws    IoError if the file does not exist
void read_metrics(const std::filesystem::path& path, const std::function<void(nlohmann::json&&)>& use);

/// All lines as above, in memory.
std::vector<nlohmann::json> read_metrics(const std::filesystem::path& path);

}  // namespace lodestone::coordinator
