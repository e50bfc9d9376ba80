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

namespace lodestone {

/// metrics.jsonl: one JSON object a line, `kind` train, eval or event. Each line reaches the kernel before
/// the call returns, so that it survives the process (not a power cut: metrics aren't worth an fsync). Values
/// that are not finite become null. A line that can't be written (full disk) doesn't stop training: it is
/// counted, the first of them is told to `warn`, and what reached the file of it is taken back. Threads:
/// caller serializes.
class MetricsLog {
 public:
  /// Opens for appending. A torn last line, left by a crash, is removed; with `resume_step`, so are the lines of later steps at
  /// the file's end, which the resumed run will write again (cut_metrics_tail). Throws IoError.
  MetricsLog(std::filesystem::path path, std::optional<int64_t> resume_step, Warn warn);
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  /// Each returns whether the line was written.
  bool train(const StepMetrics& metrics);
  /// `measures` is an object of measures by name; undefined ones are null.
  bool eval(int64_t step, std::string_view split, const nlohmann::json& measures);
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

/// Hands over each line of a metrics.jsonl, in order. Lines that aren't JSON objects (torn by a crash) are left out. Holds one line at
/// a time. Throws IoError if there is no such file.
void read_metrics(const std::filesystem::path& path, const std::function<void(nlohmann::json&&)>& use);

/// All of them.
std::vector<nlohmann::json> read_metrics(const std::filesystem::path& path);

}  // namespace lodestone
