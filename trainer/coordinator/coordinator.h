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

namespace lodestone {

/// Everything of a training run but the training: it holds the run folder, saves and restores checkpoints, reports metrics and
/// evaluations, and records faults. One object on every rank; rank 0's owns the folder's files.
///
///     Coordinator coordinator({config.checkpoint, config.metrics, config.report}, context, "runs/faces");
///     const auto cursor = coordinator.resume("auto", facts, encoder.code(), trainer);
///     coordinator.start({.config = yaml, .data = dataset, …}, trainer);
///     while (!trainer.finished()) {
///       const StepMetrics metrics = trainer.step(loader.next(), 0);
///       coordinator.report(metrics, batch, trainer.embeddings());
///       const auto agreed = coordinator.agree(stop_requested, false, metrics.step);
///       if (agreed.save || agreed.stop) coordinator.save(trainer, loader.cursor());
///       if (agreed.stop) break;
///     }
///     const bool durable = coordinator.finish(trainer.steps_done());
///
/// Requires  resume before start, and both before report, agree, save, evaluate and roll_back
/// Ranks     construction, resumes, resume, start, agree, save, evaluate, roll_back and finish are collective
/// Throws    IoError if another process holds the run folder, or it can't be written. A save that fails is reported and counted, and
///           training goes on.
/// Threads   caller serializes
class Coordinator {
 public:
  using Agreed = CheckpointManager::Agreed;

  /// Rank 0 takes the run folder's lock before anything is written there. `config`'s parts and `context` outlive it.
  Coordinator(const CoordinatorConfig& config, RunContext& context, const std::filesystem::path& folder);
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  const RunFolder& folder() const { return folder_; }

  /// Is there a checkpoint to go on from, whose weights count instead of a file's? Rank 0's answer, on every rank.
  bool resumes(const std::string& resume) const { return manager_.resumes(resume); }
  /// Restores what `resume` (auto, none or a path) names and returns the place in the data; unset: nothing to go on from. `code`:
  /// Encoder::code, whose hashes go into checkpoints. Throws CheckpointError if what is there cannot be used.
  std::optional<Cursor> resume(const std::string& resume, RunFacts facts,
                               std::map<std::string, std::string> code, Trainer& trainer);
  /// The step of the checkpoint that the run goes on from, if it does.
  std::optional<int64_t> resumed_at() const { return manager_.resumed_at(); }
  /// From here on steps are reported and checkpoints saved. Fills in where the run was resumed. Throws IoError, ConfigError.
  void start(RunStart start, Trainer& trainer);

  /// What this rank's step came to; `z_bD` are its embeddings.
  void report(const StepMetrics& metrics, const Batch& batch, const at::Tensor& z_bD);
  /// What happened to the run at this step, for metrics.jsonl and the live page.
  Reporter& reporter() { return *reporter_; }

  /// Once after each step: stops if any rank wants to, saves if rank 0 finds it due. The same on all ranks.
  Agreed agree(bool stop, bool bad_records, int64_t step) { return manager_.agree(stop, bad_records, step); }
  /// The step waits for a copy to host memory alone; a thread of rank 0 writes.
  void save(Trainer& trainer, Cursor cursor) { manager_.save(trainer, cursor); }
  /// Runs `evaluation` and reports what it came to; the checkpoint of this step will say so too. Meanwhile save_held() can save.
  Evaluation evaluate(Trainer& trainer, Cursor cursor, const std::function<Evaluation()>& evaluation);
  /// During an evaluation, from any thread: saves the steps so far and waits. Is it durable?
  bool save_held() { return manager_.save_held(); }
  /// Puts the newest checkpoint back, after a step whose loss was not finite. Unset: there is none.
  std::optional<std::filesystem::path> roll_back(int64_t from, Trainer& trainer);

  /// Waits for the last save. Is this step durable? The same answer on all ranks.
  bool finish(int64_t step);
  /// The run has ended as meant: who scrapes its metrics may forget it.
  void ended() { reporter_->ended(); }

 private:
  Warn warn() const;

  const CoordinatorConfig config_;
  RunContext& context_;
  RunFolder folder_;
  std::optional<RunLock> lock_;  ///< of rank 0
  CheckpointManager manager_;
  FlightDump dump_;
  FlightWatch watch_;  ///< hears of SIGUSR2 beside the manager, so it comes after it
  std::unique_ptr<Reporter> reporter_;
};

}  // namespace lodestone
