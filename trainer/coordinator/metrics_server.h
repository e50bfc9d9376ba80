#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "trainer/coordinator/config.h"
#include "trainer/engine/step_metrics.h"

namespace lodestone {

/// What does not change during a run: labels of lodestone_run_info. Nothing secret belongs here.
struct RunInfo {
  std::string run;
  std::string config_hash;
  std::string backend;  ///< "local", "mpi", "nccl"
  int64_t world = 1;
};

/// The run's numbers for Prometheus: names begin with lodestone_, base units, a constant number of series
/// once the first step, evaluation and checkpoint are in. Served at http://address:port/metrics if a port is
/// configured. No authentication: anyone who reaches the address can read; hence loopback unless told
/// otherwise. Ranks    rank 0 serves; other ranks have no object of this kind Throws   ConfigError if the
/// address isn't one or the port is in use: before training nothing is lost by stopping Threads  safe
/// concurrently
class MetricsServer {
 public:
  MetricsServer(const MetricsConfig& config, const RunInfo& run);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  void step(const StepMetrics& metrics);
  /// recall_at_1, map_at_r and eer become gauges; other measures are for metrics.jsonl.
  void evaluation(const std::map<std::string, double>& measures);
  void checkpoint_saved(double seconds, uint64_t bytes);
  void checkpoint_failed();

  /// The port it serves at; 0 if it doesn't.
  int port() const;
  /// What /metrics answers.
  std::string text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lodestone
