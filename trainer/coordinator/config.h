#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/fields.h"
#include "common/log_format.h"
#include "trainer/coordinator/checkpoints/save_config.h"

namespace lodestone::coordinator {

/// What the metrics server shows besides figures.
enum class ServedPages { kAuto, kMetrics, kAll };

/// Where the metrics and the live page are served. Without a port, or with port 0, nothing is served.
struct MetricsConfig {
  std::optional<int64_t> port;
  std::string address = "127.0.0.1";
  bool per_rank = false;
  std::string user;
  std::string password_file;
  std::string certificate;
  ServedPages pages = ServedPages::kAuto;
  std::string targets_file;

  /// Whether rank 0 serves; with per_rank, every rank does.
  bool serves() const { return port.value_or(0) != 0; }
  /// Whether the server also shows images of the training data and the configuration.
  bool shows_pages() const;
  void visit(Fields& f);
  /// Throws    ConfigError if user or password_file is set without the other
  void check() const;
};

/// Format of the log's lines.
struct LogConfig {
  LogFormat format = LogFormat::kText;

  void visit(Fields& f);
};

/// A form in which the metrics of each step are written to the run folder.
enum class MetricsFile {
  kJsonl,        ///< metrics.jsonl
  kTensorboard,  ///< event files
};

/// Where a run's metrics are written.
struct ReportConfig {
  std::vector<MetricsFile> to{MetricsFile::kJsonl};

  bool tensorboard() const;
  void visit(Fields& f);
  /// Throws    ConfigError unless `to` holds kJsonl
  void check() const;
};

/// References to the parts of the run configuration that the coordinator uses.
/// Requires  the parts outlive this object
struct CoordinatorConfig {
  const SaveConfig& checkpoint;
  const MetricsConfig& metrics;
  const ReportConfig& report;
};

}  // namespace lodestone::coordinator
