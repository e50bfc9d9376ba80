#include "trainer/coordinator/checkpoints/checkpoint_manager.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <new>
#include <ranges>
#include <utility>

#include <ATen/ops/tensor.h>

#include "common/files.h"
#include "common/state_handles.h"
#include "common/text_format.h"
#include "trainer/coordinator/checkpoints/checkpoint_files.h"
#include "trainer/coordinator/checkpoints/snapshot.h"
#include "trainer/coordinator/checkpoints/state_visitors.h"
#include "trainer/coordinator/warn.h"

namespace lodestone::coordinator {

namespace fs = std::filesystem;

CheckpointManager::CheckpointManager(const SaveConfig& config, RunContext& context, const RunFolder& folder,
                                     std::optional<RunLock>& lock)
    : config_(config), context_(context), folder_(folder), lock_(lock) {}

CheckpointManager::~CheckpointManager() {
  constexpr std::chrono::duration<double> kLongest{30};
  if (!writer_.wait(std::min(deadline(), kLongest)))
    context_.log->error("the checkpoint of step {} was still being written; it is abandoned",
                        begun_at_.value_or(0));
}

Warn CheckpointManager::warn_of_damage() {
  return [this](const std::string& sentence) {
    context_.log->warn("{}", sentence);
    damaged_.push_back(sentence);
  };
}

const RunIdentity& CheckpointManager::identity() const {
  if (!identity_) throw Error("checkpoints: expected resume() before a save or a rollback");
  return *identity_;
}

bool CheckpointManager::resumes(const Resume& resume) const {
  bool found = resume.is_path();
  if (context_.is_main_rank() && resume.from == Resume::From::kNewest)
    found = !list_checkpoints(folder_.checkpoints()).empty();
  return context_.world.gather_counts(found).front() != 0;
}

std::optional<Checkpoint> CheckpointManager::find(const Resume& resume) {
  if (resume.is_path()) return load_checkpoint(resume.path, warn_of_damage());
  if (resume.from == Resume::From::kNothing) {
    set_run_aside();
    return {};
  }
  if (list_checkpoints(folder_.checkpoints()).empty()) return {};
  return load_checkpoint(folder_.checkpoints(), warn_of_damage());
}

// Moves an earlier run aside, since a run is never overwritten. A folder that holds no run stays as it is.
void CheckpointManager::set_run_aside() {
  if (!folder_.holds_run()) return;
  const fs::path aside = folder_.set_aside();
  lock_.emplace(folder_);
  context_.log->info("starting a new run; the earlier run is now {}", aside.string());
}

// Continuing from an earlier step abandons the later checkpoints: the next
// automatic resume must not pick one.
void CheckpointManager::set_later_aside(int64_t step) const {
  for (const auto& path : list_checkpoints(folder_.checkpoints())) {
    if (step_of(path.filename().string()) <= step) continue;
    const fs::path aside = free_name(folder_.checkpoints() / ("abandoned-" + path.filename().string()));
    rename_synced(path, aside);
    context_.log->info("{} is later than the restored checkpoint; it is now {}", path.string(),
                       aside.string());
  }
}

void CheckpointManager::warn_of_other_code(const Checkpoint& checkpoint) const {
  for (const auto& [file, hash] : code_)
    if (const auto saved = checkpoint.code.find(file);
        saved != checkpoint.code.end() && saved->second != hash)
      context_.log->warn(
          "encoder.file: {} is not the file that {} was trained with: its hash differs. The weights would go "
          "into another network; restore the earlier file unless this is intended",
          file, checkpoint.path.string());
}

std::optional<sampler::Cursor> CheckpointManager::resume(const Resume& resume, RunIdentity known,
                                                         engine::Trainer& trainer) {
  identity_ = std::move(known);
  std::optional<Checkpoint> found;
  std::vector<std::string> remarks;
  if (context_.is_main_rank()) found = find(resume);
  if (found) warn_of_other_code(*found);
  // Who names a checkpoint means it, whatever the data are.
  if (found && !resume.is_path()) identity().check_samples(*found);
  if (found) remarks = identity().align(*found);
  const auto checkpoint = share_checkpoint(context_.world, std::move(found), trainer, identity().learner());
  if (!checkpoint) return {};
  const auto [place, unused] = restore_snapshot(context_.world, *checkpoint, trainer, identity());
  if (context_.is_main_rank() && resume.is_path()) set_later_aside(checkpoint->step);
  generation_ = checkpoint->generation + 1;
  resumed_at_ = saved_at_ = begun_at_ = trainer.steps_done();
  context_.log->info("resumed {} at step {}", checkpoint->path.string(), *resumed_at_);
  if (!context_.is_main_rank()) return place.cursor;
  if (!place.message.empty()) remarks.push_back(place.message);
  for (const auto& group : unused)
    remarks.push_back(group + ".safetensors has no use in this configuration and is ignored");
  for (const auto& sentence : remarks) context_.log->warn("{}: {}", checkpoint->path.string(), sentence);
  return place.cursor;
}

std::optional<fs::path> CheckpointManager::roll_back(engine::Trainer& trainer) {
  std::optional<Checkpoint> found;
  if (context_.is_main_rank()) {
    writer_.wait(deadline());
    report_outcome();
    try {
      if (!list_checkpoints(folder_.checkpoints()).empty())
        found = load_checkpoint(folder_.checkpoints(), warn_of_damage());
      if (found) identity().align(*found);  // without its warnings, which were given on resume
    } catch (const CheckpointError&) {      // every checkpoint is damaged
      report_damaged();
      throw;
    }
    report_damaged();
  }
  const auto checkpoint = share_checkpoint(context_.world, std::move(found), trainer, nullptr);
  if (!checkpoint) return {};
  const engine::RunCounters counters = trainer.counters();
  restore_training(context_.world, *checkpoint, trainer);
  trainer.set_counters(counters);  // the counters keep the steps that led to the rollback
  saved_at_ = begun_at_ = trainer.steps_done();
  return checkpoint->path;
}

void CheckpointManager::start(std::string config_yaml, engine::Trainer& trainer, SaveObserver& observer) {
  yaml_ = std::move(config_yaml);
  observer_ = &observer;
  StateGroups used;
  trainer.visit_state(used);
  auto sized = state_handles(trainer);
  for (const std::string& group : used.sharded_over_ranks) sized.erase(group);
  images_->fill(sized);  // touches the pages, so that the first save is as fast as later ones
  report_damaged();
}

void CheckpointManager::report_damaged() {
  for (const auto& sentence : std::exchange(damaged_, {}))
    observer_->checkpoint_damaged(saved_at_.value_or(0), sentence);
}

at::Tensor CheckpointManager::reduced(std::initializer_list<int> values, distributed::ReduceOp op) const {
  at::Tensor all = at::tensor(at::ArrayRef<int>(values), at::kInt);
  if (context_.launch.device().is_cuda()) all = all.to(context_.launch.device());
  context_.world.all_reduce(all, op);
  return all.cpu();
}

// Only rank 0 checks clock and requests: mpirun and srun deliver SIGUSR2 to all ranks, each at another step.
bool CheckpointManager::wants(int64_t step) {
  requested_ |= request_.take();
  const auto due_by_time = std::chrono::duration<double, std::ratio<60>>(config_.every_minutes);
  const bool by_time = config_.every_minutes > 0 && std::chrono::steady_clock::now() - last_ >= due_by_time;
  const bool by_step = config_.every_steps > 0 && step % config_.every_steps == 0;
  if (!by_step && !by_time && !requested_) return false;
  if (config_.when_busy == WhenBusy::kSkip && writer_.busy()) {
    // A save due by time or by request stays due until the writer is free.
    if (by_step) observer_->checkpoint_skipped(step, *begun_at_);
    return false;
  }
  return true;
}

CheckpointManager::Agreed CheckpointManager::agree(bool stop, bool bad_records, int64_t step) {
  bool save = false;
  if (context_.is_main_rank()) {
    report_outcome();
    save = wants(step);
  }
  // A signal reaches ranks at different steps; the maximum over ranks makes all
  // of them act after the same step.
  const at::Tensor agreed = reduced({stop, save, bad_records}, distributed::ReduceOp::kMax);
  const int* said = agreed.const_data_ptr<int>();
  return {said[0] != 0, said[1] != 0, said[2] != 0};
}

void CheckpointManager::evaluated(int64_t step, const std::map<std::string, double>& metrics) {
  evaluated_ = {step, {}};
  for (const auto& [name, value] : metrics)
    if (std::isfinite(value)) evaluated_.second[name] = value;
  const KeepBest& best = config_.retention.keep_best;
  if (best.count == 0 || metrics.contains(best.metric) || std::exchange(warned_of_metric_, true)) return;
  context_.log->warn(
      "checkpoint.keep_best.metric: expected a metric of this evaluation, got {}; no checkpoint is kept for "
      "it. Available: {}",
      best.metric, joined(std::views::keys(metrics)));
}

void CheckpointManager::save(engine::Trainer& trainer, sampler::Cursor cursor) {
  const int64_t step = trainer.steps_done();
  requested_ = false;
  last_ = std::chrono::steady_clock::now();
  Snapshot snapshot = take_snapshot(context_.world, trainer, cursor, identity());
  if (!context_.is_main_rank()) return;
  const bool begun = begin_save(step, std::move(snapshot));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - last_).count();
  observer_->checkpoint_stalled(seconds);
  if (begun) stall_seconds_ = seconds;
}

void CheckpointManager::hold(engine::Trainer& trainer, sampler::Cursor cursor) {
  held_ = take_snapshot(context_.world, trainer, cursor, identity());
  held_step_ = trainer.steps_done();
}

bool CheckpointManager::save_held() {
  if (begun_at_ != held_step_ && held_) begin_save(held_step_, std::move(*held_));
  held_.reset();
  writer_.wait(deadline());
  report_outcome();
  return saved_at_ == held_step_;
}

bool CheckpointManager::begin_save(int64_t step, Snapshot snapshot) {
  const bool free = writer_.wait(deadline());
  report_outcome();
  if (!free) {
    report_failure(step, "the checkpoint of step " + std::to_string(*begun_at_) +
                             " is still being written after " + std::to_string(config_.deadline) +
                             " s (checkpoint.deadline); check the disk");
    return false;
  }
  begun_at_ = step;
  SaveInfo info{step, context_.world.size(), yaml_, config_.retention, generation_, {}, code_};
  if (evaluated_.first == step) info.metrics = evaluated_.second;
  try {
    hand_over(std::move(snapshot), std::move(info));
  } catch (const std::bad_alloc&) {
    report_failure(step, "there is not enough memory for a copy of the state");
    return false;
  }
  return true;
}

// Copies the snapshot's tensors, which are the trainer's own; the thread needs nothing else of the trainer.
void CheckpointManager::hand_over(Snapshot snapshot, SaveInfo info) {
  images_->fill(snapshot.tensors);
  const int64_t step = info.step;
  writer_.start(step, [images = images_, state = std::move(snapshot.state), saving = std::move(info),
                       root = folder_.checkpoints(), warn = warn_to(context_.log)] {
    return save_checkpoint(root, *images, state, saving, warn);
  });
}

void CheckpointManager::report_outcome() {
  const auto outcome = writer_.take();
  if (!outcome) return;
  if (!outcome->saved) return report_failure(outcome->step, outcome->problem);
  saved_at_ = outcome->step;
  observer_->checkpoint_saved(outcome->step, *outcome->saved, stall_seconds_);
}

// Training continues: older checkpoints are intact, and the next save may find room.
void CheckpointManager::report_failure(int64_t step, const std::string& reason) {
  observer_->checkpoint_failed(step, reason);
}

bool CheckpointManager::saved(int64_t step) {
  bool durable = true;
  if (context_.is_main_rank()) {
    if (!writer_.wait(deadline()))
      report_failure(*begun_at_, "it is still being written after " + std::to_string(config_.deadline) +
                                     " s (checkpoint.deadline); check the disk");
    report_outcome();
    durable = saved_at_ == step;
  }
  return reduced({durable}, distributed::ReduceOp::kMin).item<int>() != 0;
}

}  // namespace lodestone::coordinator
