#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/checkpoints/checkpoint_writer.h"
#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/checkpoints/run_identity.h"
#include "trainer/coordinator/checkpoints/save_request.h"
#include "trainer/coordinator/metrics/reporter.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/engine/trainer.h"

namespace lodestone {

/// Finds a run's checkpoint when it starts and saves new ones while it trains: the step waits for the copy to host memory, a thread
/// of rank 0 writes. Another checkpoint that is due meanwhile waits or is skipped, as configured; there is never a second one.
/// Ranks     one object per rank; resumes, resume, agree, save and saved are collective.
/// Errors    a save that fails is logged and counted after a later step; training goes on.
class CheckpointManager {
 public:
  /// Rank 0 holds the folder's lock; it is given up, and the new folder's taken, where a run is set aside.
  CheckpointManager(const CheckpointConfig& config, RunContext& context, const RunFolder& folder,
                    std::optional<RunLock>& lock);
  /// Waits for a save under way, half a minute at most.
  ~CheckpointManager();

  /// Is there a checkpoint to go on from, whose weights count instead of a file's? Rank 0's answer, on every rank.
  bool resumes(const std::string& resume) const;
  /// What the run knows its data by is known from here on. Restores what `resume` (auto, none or a path) names and returns the place in the data; unset: nothing to go on from.
  /// Throws CheckpointError if what is there cannot be used.
  std::optional<Cursor> resume(const std::string& resume, RunIdentity identity, Trainer& trainer);
  std::optional<int64_t> resumed_at() const { return resumed_at_; }
  /// How often the run was gone on with from a checkpoint before. The same on all ranks.
  int64_t generation() const { return generation_; }

  /// The code that the model is computed by (Encoder::code): its hashes go into checkpoints, and resume compares them.
  void set_code(std::map<std::string, std::string> code) { code_ = std::move(code); }
  /// Rank 0 says what is saved as the run's configuration and where results are told; that outlives the manager's saves. Takes the
  /// memory that saves will need.
  void start(std::string config_yaml, Trainer& trainer, Reporter& reporter);

  /// What all ranks do after a step.
  struct Agreed {
    bool stop = false;
    bool save = false;
    bool bad_records = false;
  };
  /// Stops if any rank wants to; saves if rank 0 finds it due by step, by time or by request; bad records are told if any rank has met
  /// some. The same on all ranks. Cost: one all-reduce of three numbers. Results of earlier saves are told here.
  Agreed agree(bool stop, bool bad_records, int64_t step);
  /// What the model is worth after this step; goes into the checkpoint of the same step.
  void judged(int64_t step, const std::map<std::string, double>& measures);
  void save(Trainer& trainer, Cursor cursor);
  /// Keeps at hand what a checkpoint of the steps so far holds, for save_held(). Collective; costs what gathering sharded rows does.
  void hold(Trainer& trainer, Cursor cursor);
  /// Saves that unless it was saved before, and waits. Is it durable? Rank 0, whose state has not changed since; from any
  /// thread while no other calls.
  bool save_held();
  /// Frees what is held.
  void let_go() { held_.reset(); }
  /// Puts the newest checkpoint back, but for what the sampler has learned, which belongs to its place in the data. Returns what it
  /// used; none: there is no checkpoint. Collective; waits for the save under way.
  std::optional<std::filesystem::path> roll_back(Trainer& trainer);
  /// Is this step durable? Waits for the save under way. The same answer on all ranks.
  bool saved(int64_t step);

 private:
  const RunIdentity& identity() const;
  std::optional<Checkpoint> find(const std::string& resume);
  void warn_of_other_code(const Checkpoint& checkpoint) const;
  void set_run_aside();
  void set_later_aside(int64_t step) const;
  bool wants(int64_t step);
  bool begin_save(int64_t step, Snapshot snapshot);
  void hand_over(Snapshot snapshot, SaveInfo info);
  void tell_outcome();
  void tell_failure(int64_t step, const std::string& reason);
  at::Tensor reduced(std::initializer_list<int> values, ReduceOp op) const;
  void tell_damaged();
  Warn warn() const;
  Warn warn_of_damage();
  std::chrono::duration<double> deadline() const { return std::chrono::duration<double>(config_.deadline); }

  const CheckpointConfig& config_;
  RunContext& context_;
  const RunFolder& folder_;
  std::optional<RunLock>& lock_;         ///< of rank 0
  std::optional<RunIdentity> identity_;  ///< once resume was called
  SaveRequest request_;
  CheckpointWriter writer_;  // rank 0
  std::shared_ptr<FileImages> images_ =
      std::make_shared<FileImages>();  // of rank 0; the writer's while it is busy
  std::string yaml_;
  std::map<std::string, std::string> code_;
  Reporter* reporter_ = nullptr;  // rank 0
  int64_t generation_ = 0;
  std::optional<Snapshot> held_;  // of rank 0
  int64_t held_step_ = -1;
  std::optional<int64_t> resumed_at_, saved_at_, begun_at_;
  std::vector<std::string> damaged_;  ///< told once there is where to
  std::pair<int64_t, std::map<std::string, double>> judged_{-1, {}};
  bool told_of_metric_ = false;  ///< that keep_best's is none
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  bool requested_ = false;
  double stall_seconds_ = 0;
};

}  // namespace lodestone
