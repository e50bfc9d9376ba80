#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <set>

#include <ATen/ops/full.h>

#include "common/files.h"
#include "sampler/sampler_learner.h"
#include "trainer/commands/command.h"
#include "trainer/commands/report_writer.h"
#include "trainer/commands/reporter.h"
#include "trainer/commands/state.h"
#include "trainer/coordinator/checkpoint_files.h"
#include "trainer/coordinator/signals.h"

namespace lodestone {

namespace {

namespace fs = std::filesystem;

/// A training run on one rank, from an open configuration to the last report.
class TrainingRun {
 public:
  TrainingRun(RunConfig& config, Session& session, const TrainArguments& arguments);
  int run();

 private:
  std::optional<Checkpoint> find_checkpoint(const std::string& resume) const;
  void set_later_aside(int64_t step) const;
  bool resumes(const std::string& resume) const;
  void load_initial_weights() const;
  void resume_from(const std::string& resume);
  void start_reporting();
  bool stop_agreed() const;
  void teach_sampler(const Batch& batch) const;
  void warn_of_overlap() const;
  void evaluate(bool last);
  void save();
  int finish(bool stopped);
  Warn warn() const {
    return [log = session_.log](const std::string& sentence) { log->warn("{}", sentence); };
  }
  std::string yaml() const {
    return write_yaml([this](Fields& f) { config_.visit(f); });
  }

  RunConfig& config_;
  Session& session_;
  StopSignals signals_;
  TrainingData data_;
  std::unique_ptr<Evaluator> evaluator_;
  RunConfig slow_config_;  ///< of the momentum encoder
  std::unique_ptr<Trainer> trainer_;
  RunFolder folder_;
  Cursor cursor_;
  std::optional<int64_t> resumed_at_;
  std::unique_ptr<Reporter> reporter_;
  std::optional<int64_t> saved_at_;
};

TrainingRun::TrainingRun(RunConfig& config, Session& session, const TrainArguments& arguments)
    : config_(config),
      session_(session),
      data_(open_training_data(config, session_.world.size())),
      folder_(config.run_dir) {
  config_.data.loader.pinned = session_.launch.device().is_cuda();
  if (!config.evaluate.data.empty()) evaluator_ = make_evaluator(config);
  build_encoder(config, *config.encoder);
  if (!resumes(arguments.resume)) load_initial_weights();
  config.encoder->parameters().convert(at::kFloat, session_.launch.device());
  Encoder* slow = nullptr;
  if (config.training.loss_side.memory.has_momentum_encoder()) {
    read_run_config(parse_yaml(yaml(), "the run's configuration"), {}, "", slow_config_);
    build_encoder(slow_config_, *slow_config_.encoder);
    slow_config_.encoder->parameters().convert(at::kFloat, session_.launch.device());
    slow = &*slow_config_.encoder;
  }
  trainer_ =
      std::make_unique<Trainer>(session_.world, session_.launch.device(), *config.encoder, config.objective(),
                                config.training, loss_side_setup(config, data_, slow));
  resume_from(arguments.resume);
  if (evaluator_ && session_.leads()) warn_of_overlap();
  if (session_.leads())
    for (const std::string& message : data_.left_out) session_.log->warn("left out a bad record: {}", message);
  start_reporting();
}

// Figures on classes, or on texts without classes, that were trained on say little about new ones.
void TrainingRun::warn_of_overlap() const {
  if (config_.data.kind == "image_texts") return;  // names of pictures say nothing, and captions may well be common
  const bool classes = config_.data.kind == "images" || (config_.data.text.layout.format == "labels" &&
                                                         config_.evaluate.text.format == "labels");
  const auto for_each_name = [classes](const Dataset& data, const auto& visit) {
    for (int64_t c = 0; classes && c < data.classes(); ++c) visit(data.class_name(c));
    for (int64_t i = 0; !classes && i < data.size(); ++i) visit(std::to_string(data.id(i)));
  };
  std::set<std::string> judged;
  for_each_name(evaluator_->dataset(), [&](const std::string& name) { judged.insert(name); });
  const size_t all = judged.size();
  for_each_name(*data_.dataset(), [&](const std::string& name) { judged.erase(name); });
  const size_t shared = all - judged.size();
  if (shared > 0)
    session_.log->warn("{} of the {} {} that judge the model are trained on: the figures are not of unseen ones", shared, all,
                       classes ? "classes" : "texts");
}

std::optional<Checkpoint> TrainingRun::find_checkpoint(const std::string& resume) const {
  if (resume != "auto" && resume != "none") {
    Checkpoint chosen = load_checkpoint(resume, warn());
    set_later_aside(chosen.step);
    return chosen;
  }
  const auto found = list_checkpoints(folder_.checkpoints());
  if (resume == "none" && fs::exists(folder_.root())) {
    // A run is never overwritten: the earlier one moves aside, unless a process is at work in it.
    const RunLock idle(folder_);
    int number = 1;
    while (fs::exists(folder_.root().string() + "." + std::to_string(number))) ++number;
    const fs::path aside = folder_.root().string() + "." + std::to_string(number);
    fs::rename(folder_.root(), aside);
    session_.log->info("starting afresh; the earlier run is now {}", aside.string());
    return {};
  }
  if (found.empty()) return {};
  return load_checkpoint(folder_.checkpoints(), warn());
}

// Is there a checkpoint to go on from, whose weights count instead of a file's? Rank 0's answer, on every rank.
bool TrainingRun::resumes(const std::string& resume) const {
  const bool found = resume == "auto" ? !list_checkpoints(folder_.checkpoints()).empty() : resume != "none";
  return session_.world.broadcast_text(found ? "yes" : "no") == "yes";
}

void TrainingRun::load_initial_weights() const {
  for (const auto& report : config_.encoder->load_initial_weights())
    if (session_.leads()) session_.log->info("weights: {}", report.sentence());
}

// Going back to an earlier step starts another future: the abandoned one must not win the next automatic resume.
void TrainingRun::set_later_aside(int64_t step) const {
  for (const auto& path : list_checkpoints(folder_.checkpoints())) {
    if (step_of(path.filename().string()) <= step) continue;
    const fs::path aside = folder_.checkpoints() / ("abandoned-" + path.filename().string());
    fs::remove_all(aside);
    fs::rename(path, aside);
    session_.log->info("{} is of the future left behind; it is now {}", path.string(), aside.string());
  }
}

void TrainingRun::resume_from(const std::string& resume) {
  std::optional<Checkpoint> found;
  if (session_.leads()) found = find_checkpoint(resume);
  const auto checkpoint = share_checkpoint(session_.world, std::move(found));
  if (!checkpoint) return;
  cursor_ = restore_snapshot(checkpoint->snapshot, *trainer_, data_.sampler->learner());
  resumed_at_ = saved_at_ = trainer_->steps_done();
  session_.log->info("resumed {} at step {}", checkpoint->path.string(), *resumed_at_);
}

void TrainingRun::start_reporting() {
  reporter_ = std::make_unique<Reporter>(config_, session_, folder_,
                                         RunStart{trainer_->steps_done(), resumed_at_, yaml(),
                                                  data_.dataset()->size(), data_.dataset()->classes()});
}

// A signal reaches ranks at different steps; the maximum over ranks makes all of them stop after the same one.
bool TrainingRun::stop_agreed() const {
  at::Tensor stop = at::full({1}, signals_.stop_requested() ? 1 : 0, at::kInt);
  if (session_.launch.device().is_cuda()) stop = stop.to(session_.launch.device());
  session_.world.all_reduce(stop, ReduceOp::kMax);
  return stop.item<int>() != 0;
}

// Every rank teaches its sampler the same rows, in the order of the global batch.
void TrainingRun::teach_sampler(const Batch& batch) const {
  SamplerLearner* learner = data_.sampler->learner();
  if (learner == nullptr) return;
  const at::Tensor z_BD = session_.world.all_gather(trainer_->embeddings());
  learner->observe(batch.cursor, batch.global_labels, z_BD.cpu());
}

void TrainingRun::evaluate(bool last) {
  trainer_->share_buffers();
  const auto averaged = trainer_->averaged();
  const Evaluation evaluation = evaluator_->run(session_, *config_.encoder, last);
  reporter_->evaluated(trainer_->steps_done(), evaluation);
  if (!last || !session_.leads()) return;
  reporter_->finish();
  std::cout << measures_table(evaluation.model.measures, evaluation.floor.measures) << std::flush;
  write_run_report(folder_, config_, session_, *config_.encoder, *evaluator_, evaluation);
  session_.log->info("report: {}", folder_.report().string());
}

void TrainingRun::save() {
  if (saved_at_ == trainer_->steps_done()) return;
  const Snapshot snapshot = take_snapshot(session_.world, *trainer_, cursor_, data_.sampler->learner());
  if (!session_.leads()) return;
  const auto step = trainer_->steps_done();
  try {
    const auto saved =
        save_checkpoint(folder_.checkpoints(), snapshot,
                        {step, session_.world.size(), yaml(), config_.checkpoint.keep_last}, warn());
    saved_at_ = step;
    reporter_->checkpoint_saved(step, saved);
  } catch (const IoError& error) {
    // Training goes on: older checkpoints are intact and the next save may find room.
    reporter_->checkpoint_failed(step, error.what());
  }
}

int TrainingRun::run() {
  Loader loader(data_.examples, data_.sampler, {session_.world.rank(), session_.world.size()}, config_.data.loader,
                static_cast<uint64_t>(config_.seed), cursor_);
  bool stopped = false;
  while (!trainer_->finished() && !stopped) {
    const double waited = loader.seconds_waited();
    const int64_t ready = loader.ready();
    const Batch batch = loader.next();
    StepMetrics metrics = trainer_->step(batch, loader.seconds_waited() - waited);
    metrics.batches_ready = ready;
    teach_sampler(batch);
    cursor_ = loader.cursor();
    reporter_->bad_records(loader, trainer_->steps_done());
    reporter_->step(metrics);
    stopped = stop_agreed();
    const bool last = trainer_->finished();
    const int64_t every = config_.evaluate.every;
    if (evaluator_ && every > 0 && !last && !stopped && metrics.step % every == 0) evaluate(false);
    const int64_t interval = config_.checkpoint.every_steps;
    if (stopped || last || (interval > 0 && metrics.step % interval == 0)) save();
  }
  return finish(stopped && !trainer_->finished());
}

int TrainingRun::finish(bool stopped) {
  reporter_->finish();
  // Rank 0 alone knows whether the save went well; 75 promises that it did.
  at::Tensor saved = at::full({1}, !session_.leads() || saved_at_ == trainer_->steps_done() ? 1 : 0, at::kInt);
  if (session_.launch.device().is_cuda()) saved = saved.to(session_.launch.device());
  session_.world.all_reduce(saved, ReduceOp::kMin);
  if (stopped) {
    session_.log->info("stopped by signal {} after step {}", signals_.signal(), trainer_->steps_done());
    return saved.item<int>() ? kStoppedResumable : kRunFailed;
  }
  if (evaluator_) evaluate(true);
  return saved.item<int>() ? kDone : kRunFailed;
}

}  // namespace

int run_train(const TrainArguments& arguments) {
  RunConfig config;
  load_run_config(arguments.config, arguments.assignments, config);
  return run_on_ranks(config,
                      [&](Session& session) { return TrainingRun(config, session, arguments).run(); });
}

}  // namespace lodestone
