#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "distributed/group.h"
#include "trainer/engine/step_metrics.h"

namespace lodestone::coordinator {

/// Constant properties of a run: the labels of lodestone_run_info. They must not contain secrets.
struct RunInfo {
  std::string run;
  std::string config_hash;
  std::string backend;  ///< Group::backend()
  int64_t world = 1;
  int64_t rank = 0;
  int64_t generation = 0;                    ///< number of the attempt, as the supervisor counts them
  int64_t restarts = 0;                      ///< how often the run was continued or restarted
  std::vector<std::string> loss_parameters;  ///< names of the parameters that the loss learns
  int64_t first_step = 0;                    ///< steps done by earlier processes
  int64_t steps_planned = 0;
};

/// The state of a rank according to its heartbeats.
struct RankState {
  int64_t rank = 0;
  int64_t step = 0;
  /// Time since its last heartbeat.
  double silent_seconds = 0;
  /// How long the other ranks have waited for it in the current collective.
  double awaited_seconds = 0;
  /// Its current collective, such as "all_gather call 17 of group world", or "".
  std::string place = "";
  /// Steps behind the others when its last heartbeat arrived; the age of that heartbeat does not count.
  int64_t behind_steps = 0;
};

/// The metrics of one rank for Prometheus: names begin with lodestone_, values are in base units;
/// docs/metrics.md lists them. All series exist from the start and their number never changes: a series
/// without a value is NaN, which matches no alert. Rank 0 also has the metrics of the run; other ranks have
/// only those that differ between ranks.
/// Ranks     not collective
/// Threads   safe concurrently
class RunMetrics {
 public:
  explicit RunMetrics(const RunInfo& run);
  ~RunMetrics();
  RunMetrics(const RunMetrics&) = delete;
  RunMetrics& operator=(const RunMetrics&) = delete;

  void step(const engine::StepMetrics& metrics);
  /// Sets what this rank has sent since the process began.
  void traffic(const distributed::Traffic& traffic, const std::map<std::string, double>& seconds);

  /// Functions from here to collapse_seen() have an effect on rank 0 only. Sets the gauges of
  /// followed_metrics(); other metrics go to metrics.jsonl only.
  void evaluation(const std::map<std::string, double>& metrics);
  /// Sets how often checkpoints are due, in steps and in seconds; 0: not due by that.
  void checkpoints_every(int64_t steps, double seconds);
  void checkpoint_saved(double seconds, uint64_t bytes);
  void checkpoint_failed();
  /// Adds the seconds that training waited for a checkpoint.
  void checkpoint_stalled(double seconds);
  /// Counts a damaged checkpoint that was skipped.
  void checkpoint_damaged();
  void non_finite_step();
  void collapse_seen();

  /// Whether this process has completed a step.
  bool ready() const;
  /// The text that /metrics serves, with the current state of the ranks, so that a run that hangs shows it.
  /// Cost      a few hundred lines
  std::string text(const std::vector<RankState>& ranks = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lodestone::coordinator
