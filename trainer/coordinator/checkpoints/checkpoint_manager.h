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
#include "trainer/coordinator/checkpoints/resume.h"
#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/checkpoints/run_identity.h"
#include "trainer/coordinator/checkpoints/save_config.h"
#include "trainer/coordinator/checkpoints/save_observer.h"
#include "trainer/coordinator/checkpoints/save_request.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/engine/trainer.h"

namespace lodestone::coordinator {

/// Finds the checkpoint of a run at its start and saves new ones during training. A step waits only for the
/// copy to host memory; a thread of rank 0 writes the files. While a save is in progress, another save that
/// is due waits or is skipped, as checkpoint.when_busy says; two saves never run at the same time.
/// Ranks     one object per rank; resumes, resume, agree, save, hold, roll_back and saved are collective
/// Throws    nothing for a failed save: it is logged and counted after a later step, and training continues
/// Threads   caller serializes; save_held may be called from another thread while no other call runs
class CheckpointManager {
 public:
  /// `lock` is rank 0's lock of the folder. When an existing run is set aside, the manager releases it and
  /// takes the lock of the new folder.
  /// Requires  all arguments outlive this object
  CheckpointManager(const SaveConfig& config, RunContext& context, const RunFolder& folder,
                    std::optional<RunLock>& lock);
  /// Waits for a save in progress, for at most 30 seconds.
  ~CheckpointManager();

  /// Whether `resume` finds a checkpoint to continue from, so that initial weights from a file are not
  /// needed. Rank 0 decides; every rank gets its answer.
  bool resumes(const Resume& resume) const;
  /// Restores the checkpoint that `resume` names and returns its position in the data;
  /// nullopt if there is no checkpoint to continue from. Keeps `identity`, which later saves store.
  /// Throws    CheckpointError if the checkpoint cannot be used
  std::optional<sampler::Cursor> resume(const Resume& resume, RunIdentity identity, engine::Trainer& trainer);
  std::optional<int64_t> resumed_at() const { return resumed_at_; }
  /// How often the run has been continued from a checkpoint. The same on all ranks.
  int64_t generation() const { return generation_; }

  /// Sets the code files that compute the model (Encoder::code): their hashes are stored in checkpoints and
  /// compared on resume.
  void set_code(std::map<std::string, std::string> code) { code_ = std::move(code); }
  /// Rank 0: sets the configuration to store and the observer of saves, and allocates the memory for saves.
  /// Requires  `observer` outlives every later call
  void start(std::string config_yaml, engine::Trainer& trainer, SaveObserver& observer);

  /// What all ranks do after a step.
  struct Agreed {
    bool stop = false;
    bool save = false;
    bool bad_records = false;
  };
  /// `stop` if any rank wants to stop; `save` if rank 0 finds a save due by step, by time or on request;
  /// `bad_records` if any rank found some. The same on all ranks. On rank 0 also tells the observer the
  /// results of earlier saves.
  /// Cost      one all-reduce of three numbers
  Agreed agree(bool stop, bool bad_records, int64_t step);
  /// Sets the metrics of the evaluation after `step`, which the checkpoint of the same step stores.
  void evaluated(int64_t step, const std::map<std::string, double>& metrics);
  void save(engine::Trainer& trainer, sampler::Cursor cursor);
  /// Keeps a snapshot of the current step for save_held().
  /// Ranks     collective
  /// Cost      one gather of the sharded rows
  void hold(engine::Trainer& trainer, sampler::Cursor cursor);
  /// Saves the held snapshot unless its step was saved before, and waits. Returns whether it is durable.
  /// Requires  rank 0; the trainer's state has not changed since hold()
  bool save_held();
  /// Releases the held snapshot.
  void release_held() { held_.reset(); }
  /// Restores the newest checkpoint and returns its path; nullopt if there is none. What the sampler has
  /// learned is not restored, since it belongs to the position in the data. Waits for a save in progress.
  /// Ranks     collective
  std::optional<std::filesystem::path> roll_back(engine::Trainer& trainer);
  /// Waits for the save in progress. Returns whether the checkpoint of `step` is durable, the same on all
  /// ranks.
  bool saved(int64_t step);

 private:
  const RunIdentity& identity() const;
  std::optional<Checkpoint> find(const Resume& resume);
  void warn_of_other_code(const Checkpoint& checkpoint) const;
  void set_run_aside();
  void set_later_aside(int64_t step) const;
  bool wants(int64_t step);
  bool begin_save(int64_t step, Snapshot snapshot);
  void hand_over(Snapshot snapshot, SaveInfo info);
  void report_outcome();
  void report_failure(int64_t step, const std::string& reason);
  at::Tensor reduced(std::initializer_list<int> values, distributed::ReduceOp op) const;
  void report_damaged();
  Warn warn_of_damage();
  std::chrono::duration<double> deadline() const { return std::chrono::duration<double>(config_.deadline); }

  const SaveConfig& config_;
  RunContext& context_;
  const RunFolder& folder_;
  /// Held by rank 0 only.
  std::optional<RunLock>& lock_;
  /// Set by resume().
  std::optional<RunIdentity> identity_;
  SaveRequest request_;
  /// Used on rank 0 only.
  CheckpointWriter writer_;
  /// Used on rank 0 only; belongs to the writer while it is busy.
  std::shared_ptr<FileImages> images_ = std::make_shared<FileImages>();
  std::string yaml_;
  std::map<std::string, std::string> code_;
  /// Set on rank 0 only.
  SaveObserver* observer_ = nullptr;
  int64_t generation_ = 0;
  /// Set on rank 0 only.
  std::optional<Snapshot> held_;
  int64_t held_step_ = -1;
  std::optional<int64_t> resumed_at_, saved_at_, begun_at_;
  /// Damaged checkpoints that are reported once there is an observer.
  std::vector<std::string> damaged_;
  std::pair<int64_t, std::map<std::string, double>> evaluated_{-1, {}};
  /// Whether the user was warned that keep_best.metric does not exist.
  bool warned_of_metric_ = false;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  bool requested_ = false;
  double stall_seconds_ = 0;
};

}  // namespace lodestone::coordinator
