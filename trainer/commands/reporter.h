#pragma once

#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "sampler/loader.h"
#include "trainer/commands/evaluation.h"
#include "trainer/commands/run_config.h"
#include "trainer/commands/session.h"
#include "trainer/coordinator/checkpoint.h"
#include "trainer/coordinator/run_folder.h"
#include "trainer/engine/step_metrics.h"

namespace lodestone {

/// Where a training run stands when its reporting starts.
struct RunStart {
  int64_t step = 0;                   ///< steps done
  std::optional<int64_t> resumed_at;  ///< the step of the checkpoint it goes on from
  std::string config;                 ///< the configuration as YAML
  int64_t samples = 0, classes = 0;   ///< of the data set
};

/// Tells how a training run does: metrics.jsonl, /metrics, the progress line and the log. One on every rank; only that
/// of rank 0 owns the run folder's files (and its lock), that of the others logs. Not collective. Threads: caller
/// serializes. Throws IoError if the run folder can't be prepared, ConfigError if it can't serve where it should.
class Reporter {
 public:
  Reporter(const RunConfig& config, Session& session, const RunFolder& folder, const RunStart& start);
  ~Reporter();
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  void step(const StepMetrics& metrics);
  /// Tells those records that were skipped since the last call.
  void bad_records(const Loader& loader, int64_t step);
  void evaluated(int64_t step, const Evaluation& evaluation);
  /// `stall_seconds`: what the step waited for it.
  void checkpoint_saved(int64_t step, const SavedCheckpoint& saved, double stall_seconds);
  void checkpoint_failed(int64_t step, const std::string& reason);
  void event(int64_t step, const std::string& what, const nlohmann::json& details = nlohmann::json::object());
  /// The progress line gives way to what is printed next.
  void finish();

 private:
  struct Lead;

  const RunConfig& config_;
  Session& session_;
  std::unique_ptr<Lead> lead_;  ///< rank 0
  size_t bad_records_told_ = 0;
};

}  // namespace lodestone
