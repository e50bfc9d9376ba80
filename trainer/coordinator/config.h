#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/fields.h"
#include "trainer/coordinator/checkpoints/retention.h"

namespace lodestone {

/// When checkpoints are saved and which stay.
struct CheckpointConfig {
  int64_t every_steps = 500;
  double every_minutes = 0;
  std::string when_busy = "wait";
  double deadline = 300;
  Retention retention;

  void visit(Fields& f);
};

/// Where the metrics and the live page are served. No port, or port 0: nowhere.
struct MetricsConfig {
  std::optional<int64_t> port;
  std::string address = "127.0.0.1";
  bool per_rank = false;
  std::string user;
  std::string password_file;
  std::string certificate;
  std::string pages = "auto";
  std::string targets_file;

  /// Does rank 0 (or, with per_rank, any rank) serve?
  bool serves() const { return port.value_or(0) != 0; }
  /// May whoever is answered see pictures of the training data and the configuration, too?
  bool shows_pages() const;
  void visit(Fields& f);
};

/// What the log's lines look like.
struct LogConfig {
  std::string format = "text";

  void visit(Fields& f);
};

/// Which files beside the run folder's metrics.jsonl a run is told to.
struct ReportConfig {
  std::vector<std::string> to{"jsonl"};

  bool tensorboard() const;
  /// Throws ConfigError unless `to` has jsonl and, beside it, nothing but tensorboard.
  void check() const;
};

/// The parts of a run's configuration that the coordinator works by; they outlive it.
struct CoordinatorConfig {
  const CheckpointConfig& checkpoint;
  const MetricsConfig& metrics;
  const ReportConfig& report;
};

}  // namespace lodestone
