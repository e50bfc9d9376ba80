#pragma once

#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "sampler/loader.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/config.h"
#include "trainer/coordinator/metrics/run_metrics.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/engine/step_metrics.h"
#include "trainer/eval/evaluation.h"
#include "trainer/negatives/global_batch.h"

namespace lodestone {

/// What a training run is and where it stands when its reporting starts.
struct RunStart {
  int64_t step = 0;                        ///< steps done
  std::optional<int64_t> resumed_at = {};  ///< the step of the checkpoint it goes on from
  int64_t restarts = 0;                    ///< how often the run was gone on with before
  std::string config = {};                 ///< the configuration as YAML
  std::shared_ptr<const Dataset> data = {};
  Objective objective;                                     ///< refers to the run's loss and miner
  int64_t steps_planned = 0;                               ///< where training ends
  int64_t parameters = 0;                                  ///< numbers that the encoder learns
  const char* unit = "samples";                            ///< what a second of training is counted in
  std::vector<std::pair<std::string, std::string>> facts;  ///< of the configuration, for the live page
};

/// Tells how a training run does: metrics.jsonl, TensorBoard's files, the live page, /metrics, the progress line and the
/// log. One on every rank; only that of rank 0 owns the run folder's files, whose lock the run holds. The others log and, where
/// metrics.per_rank is set, serve /metrics of their own.
/// Ranks     construction is collective; nothing else is. Threads: caller serializes.
/// Throws    IoError if the run folder can't be prepared, ConfigError if rank 0 can't serve where it should. Another
///           rank that can't serve warns and goes on.
class Reporter {
 public:
  Reporter(const CoordinatorConfig& config, RunContext& context, const RunFolder& folder,
           const RunStart& start);
  ~Reporter();
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  /// `batch` and `z_bD` are this rank's rows of the step; on rank 0 they are looked at only while somebody looks at the
  /// live page, every few seconds.
  void step(const StepMetrics& metrics, const Batch& batch, const at::Tensor& z_bD);
  /// Tells of records that were skipped, of which there are `count` by now.
  void bad_records(int64_t step, const std::vector<std::string>& messages, int64_t count);
  void evaluated(int64_t step, const Evaluation& evaluation);
  /// `stall_seconds`: what the step waited for it.
  void checkpoint_saved(int64_t step, const SavedCheckpoint& saved, double stall_seconds);
  /// A step waited so long for a save, whatever becomes of it.
  void checkpoint_stalled(double seconds);
  void checkpoint_failed(int64_t step, const std::string& reason);
  /// One was passed over.
  void checkpoint_damaged(int64_t step, const std::string& message);
  void non_finite_step(int64_t step, const nlohmann::json& details);
  void event(int64_t step, const std::string& what, const nlohmann::json& details = nlohmann::json::object());
  /// The run has ended as meant: who reads metrics.targets_file is to forget it. A run that fails leaves the file, so that
  /// its absence is seen.
  void ended();
  /// The progress line gives way to what is printed next.
  void finish();

 private:
  struct Lead;
  struct Endpoint;

  void serve(const RunStart& start);
  std::vector<RankState> ranks() const;

  const CoordinatorConfig config_;
  RunContext& context_;
  std::shared_ptr<const Dataset> data_;
  Objective objective_;
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Lead> lead_;  ///< rank 0
};

}  // namespace lodestone
