#pragma once

#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "sampler/loader.h"
#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/checkpoints/save_observer.h"
#include "trainer/coordinator/config.h"
#include "trainer/coordinator/metrics/run_metrics.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/engine/step_metrics.h"
#include "trainer/eval/evaluation.h"
#include "trainer/negatives/global_batch.h"

namespace lodestone::coordinator {

/// Description and state of a training run when its reporting starts.
struct RunStart {
  /// Steps done.
  int64_t step = 0;
  /// The step of the checkpoint that the run continues from.
  std::optional<int64_t> resumed_at = {};
  /// How often the run has been continued before.
  int64_t restarts = 0;
  /// The configuration as YAML.
  std::string config = {};
  std::shared_ptr<const sampler::Examples> examples = {};
  /// Refers to the loss and miner of the run.
  negatives::Objective objective;
  /// The step at which training ends.
  int64_t steps_planned = 0;
  /// Number of parameters that the encoder learns.
  int64_t parameters = 0;
  /// What training counts per second.
  const char* unit = "samples";
  /// Rows of a batch that make one of them.
  int64_t rows_per_unit = 1;
  /// Properties of the configuration, for the live page.
  std::vector<std::pair<std::string, std::string>> facts;
};

/// Reports a training run: metrics.jsonl, TensorBoard event files, the live page, /metrics, the progress line
/// and the log. There is one object per rank; only rank 0's writes files of the run folder, whose lock the
/// run holds. The others log and, with metrics.per_rank, serve /metrics of their own.
/// Ranks     construction is collective; nothing else is
/// Throws    IoError if the run folder cannot be prepared; ConfigError if rank 0 cannot serve as configured.
///           Any other rank that cannot serve warns and continues.
/// Threads   caller serializes
class Reporter : public SaveObserver {
 public:
  Reporter(const CoordinatorConfig& config, RunContext& context, const RunFolder& folder,
           const RunStart& start);
  ~Reporter() override;
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  /// Reports one step. `batch` and `z_bD` are this rank's rows of it; rank 0 reads them every few seconds,
  /// and only while a client has the live page open.
  void step(const engine::StepMetrics& metrics, const sampler::Batch& batch, const at::Tensor& z_bD);
  /// Reports skipped records, of which there are `count` so far.
  void bad_records(int64_t step, const std::vector<std::string>& messages, int64_t count);
  void evaluated(int64_t step, const eval::Evaluation& evaluation);
  void checkpoint_saved(int64_t step, const SavedCheckpoint& saved, double stall_seconds) override;
  void checkpoint_stalled(double seconds) override;
  void checkpoint_failed(int64_t step, const std::string& reason) override;
  void checkpoint_skipped(int64_t step, int64_t busy_with) override;
  void checkpoint_damaged(int64_t step, const std::string& message) override;
  void non_finite_step(int64_t step, const nlohmann::json& details);
  void event(int64_t step, const std::string& what, const nlohmann::json& details = nlohmann::json::object());
  /// The run has completed: removes its endpoints from metrics.targets_file. A run that fails leaves the
  /// file, so that Prometheus sees its endpoint missing.
  void mark_completed();
  /// Ends the progress line, so that other lines can be printed.
  void end_progress();

 private:
  struct MainRank;
  struct Endpoint;

  void serve(const RunStart& start);
  std::vector<RankState> ranks() const;

  const CoordinatorConfig config_;
  RunContext& context_;
  std::shared_ptr<const sampler::Examples> examples_;
  negatives::Objective objective_;
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<MainRank> main_rank_;  ///< set on rank 0 only
};

}  // namespace lodestone::coordinator
