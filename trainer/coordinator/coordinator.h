#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "trainer/coordinator/checkpoints/checkpoint_manager.h"
#include "trainer/coordinator/config.h"
#include "trainer/coordinator/faults/flight_watch.h"
#include "trainer/coordinator/metrics/reporter.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/engine/trainer.h"

namespace lodestone::coordinator {

/// Everything of a training run except the training itself: owns the run folder, saves and restores
/// checkpoints, reports metrics and evaluations, and records faults. There is one object per rank; only rank
/// 0's writes files of the run folder.
///
///     Coordinator coordinator({config.checkpoint, config.metrics, config.report}, context, "runs/faces");
///     const auto cursor = coordinator.resume({}, facts, encoder.code(), trainer);
///     coordinator.start({.config = yaml, .examples = examples, .objective = objective}, trainer);
///     while (!trainer.finished()) {
///       const sampler::Batch batch = loader.next();
///       const engine::StepMetrics metrics = trainer.step(batch, 0);
///       coordinator.report(metrics, batch, trainer.embeddings());
///       const auto agreed = coordinator.agree(stop_requested, false, metrics.step);
///       if (agreed.save || agreed.stop) coordinator.save(trainer, loader.cursor());
///       if (agreed.stop) break;
///     }
///     const bool durable = coordinator.wait_for_save(trainer.steps_done());
///     if (durable) coordinator.mark_completed();
///
/// Requires  resume before start, and both before report, agree, save, evaluate and roll_back
/// Ranks     construction, resumes, resume, start, agree, save, evaluate, roll_back and
///           wait_for_save are collective
/// Cost      report: microseconds; agree: one all-reduce of three numbers; save: a copy of the state to host
///           memory, and a gather of what is sharded over ranks
/// Throws    IoError if another process holds the run folder, or if it cannot be written. A save that fails
///           does not throw: it is reported and counted, and training continues.
/// Threads   caller serializes; save_held may be called from another thread during evaluate
/// Owns      the lock of the run folder, a thread that writes checkpoints, the metrics server
class Coordinator {
 public:
  using Agreed = CheckpointManager::Agreed;

  /// Locks the run folder on rank 0 before any rank writes there.
  /// Requires  the parts of `config`, and `context`, outlive this object
  Coordinator(const CoordinatorConfig& config, RunContext& context, const std::filesystem::path& folder);
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  const RunFolder& folder() const { return folder_; }

  /// Whether `resume` finds a checkpoint to continue from, so that initial weights from a file are not
  /// needed. Rank 0 decides; every rank gets its answer.
  bool resumes(const Resume& resume) const { return manager_.resumes(resume); }
  /// Restores the checkpoint that `resume` names and returns its position in the data;
  /// nullopt if there is no checkpoint to continue from. `code` is Encoder::code: its hashes are stored in
  /// checkpoints.
  /// Throws    CheckpointError if the checkpoint cannot be used
  std::optional<sampler::Cursor> resume(const Resume& resume, RunFacts facts,
                                        std::map<std::string, std::string> code, engine::Trainer& trainer);
  /// The step of the checkpoint that the run continues from, if any.
  std::optional<int64_t> resumed_at() const { return manager_.resumed_at(); }
  /// Begins reporting and allocates the memory for saves. Fills in the fields of `start` that say where the
  /// run resumed.
  /// Throws    IoError, ConfigError
  void start(RunStart start, engine::Trainer& trainer);

  /// Reports the metrics of one step of this rank; `z_bD` are the embeddings of its rows.
  void report(const engine::StepMetrics& metrics, const sampler::Batch& batch, const at::Tensor& z_bD);
  /// Reports records that were skipped; there are `count` so far.
  void report_bad_records(int64_t step, const std::vector<std::string>& messages, int64_t count) {
    reporter_->bad_records(step, messages, count);
  }
  /// Reports a step whose loss or gradient was not finite. `action` is what follows, and `count` the number
  /// of such steps so far.
  void report_non_finite(const engine::NonFinite& found, engine::NonFiniteAction action, int64_t count);

  /// Call once after each step: the ranks agree whether to stop (if any rank wants to), to save (if rank 0
  /// finds a save due) and to handle bad records. Every rank gets the same answer.
  Agreed agree(bool stop, bool bad_records, int64_t step) { return manager_.agree(stop, bad_records, step); }
  /// Saves a checkpoint. The step waits only for the copy to host memory; a thread of rank 0 writes the
  /// files.
  void save(engine::Trainer& trainer, sampler::Cursor cursor) { manager_.save(trainer, cursor); }
  /// Runs `evaluation` and reports its result, which is also stored in the checkpoint of this step. While it
  /// runs, save_held() can save the steps done so far.
  eval::Evaluation evaluate(engine::Trainer& trainer, sampler::Cursor cursor,
                            const std::function<eval::Evaluation()>& evaluation);
  /// Saves a checkpoint of the steps done before the evaluation in progress, and waits for it. Returns
  /// whether it is durable. Rank 0 only.
  bool save_held() { return manager_.save_held(); }
  /// Restores the newest checkpoint after a step whose loss was not finite, and returns its path; nullopt if
  /// there is none.
  std::optional<std::filesystem::path> roll_back(int64_t from, engine::Trainer& trainer);

  /// Waits for the save in progress. Returns whether the checkpoint of `step` is durable, the same on all
  /// ranks.
  bool wait_for_save(int64_t step);
  /// Marks the run as completed: removes its endpoints from metrics.targets_file.
  void mark_completed() { reporter_->mark_completed(); }

 private:
  const CoordinatorConfig config_;
  RunContext& context_;
  RunFolder folder_;
  /// Held by rank 0 only.
  std::optional<RunLock> lock_;
  CheckpointManager manager_;
  FlightDump dump_;
  /// Taps SIGUSR2, which the manager handles, so it is constructed after the manager.
  FlightWatch watch_;
  std::unique_ptr<Reporter> reporter_;
};

}  // namespace lodestone::coordinator
