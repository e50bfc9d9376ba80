#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "distributed/group.h"
#include "trainer/engine/step_metrics.h"

namespace lodestone {

/// What does not change during a run: labels of lodestone_run_info. Nothing secret belongs here.
struct RunInfo {
  std::string run;
  std::string config_hash;
  std::string backend;  ///< "local", "mpi", "nccl"
  int64_t world = 1;
  int64_t rank = 0;
  int64_t generation = 0;                    ///< of the job, as its supervisor counts
  int64_t restarts = 0;                      ///< how often the run was gone on with or started again
  std::vector<std::string> loss_parameters;  ///< names of what the loss learns
  int64_t first_step = 0;                    ///< steps that earlier processes did
  int64_t steps_planned = 0;
};

/// What the heartbeats say of the ranks.
struct RankState {
  int64_t rank = 0;
  int64_t step = 0;
  double silent_seconds = 0;   ///< since its last heartbeat
  double awaited_seconds = 0;  ///< how long the others have waited for it in the collective under way
  std::string place = "";      ///< where it is: "all_gather call 17 of group world", or ""
  int64_t behind_steps = 0;    ///< as it was when last heard: the age of its heartbeat doesn't count
};

/// A rank's numbers for Prometheus: names begin with lodestone_, base units; docs/metrics.md lists them. All series are
/// there from the start and their number never changes: what has no value yet is NaN, which no alert compares with.
/// Rank 0 has the run's numbers as well; the others have those that differ between ranks. Not collective.
/// Threads  safe concurrently
class RunMetrics {
 public:
  explicit RunMetrics(const RunInfo& run);
  ~RunMetrics();
  RunMetrics(const RunMetrics&) = delete;
  RunMetrics& operator=(const RunMetrics&) = delete;

  void step(const StepMetrics& metrics);
  /// What this rank has sent since the process began.
  void traffic(const Traffic& traffic, const std::map<std::string, double>& seconds);

  // Of rank 0; elsewhere they do nothing.
  /// recall_at_1, map_at_r and eer become gauges; other measures are for metrics.jsonl.
  void evaluation(const std::map<std::string, double>& measures);
  /// When checkpoints are meant to be saved; 0: not for that.
  void checkpoints_every(int64_t steps, double seconds);
  void checkpoint_saved(double seconds, uint64_t bytes);
  void checkpoint_failed();
  /// Seconds that training stood still for a checkpoint.
  void checkpoint_stalled(double seconds);
  /// A damaged checkpoint was passed over.
  void checkpoint_damaged();
  void non_finite_step();
  void collapse_seen();

  /// Has this process done a step?
  bool ready() const;
  /// What /metrics answers, with the ranks as they are at this moment: a run that stands still must show it. Cost: some hundred lines.
  std::string text(const std::vector<RankState>& ranks = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lodestone
