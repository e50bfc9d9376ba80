#include <algorithm>
#include <chrono>
#include <iostream>
#include <set>

#include <ATen/ops/empty.h>

#include "common/files.h"
#include "sampler/sampler_learner.h"
#include "trainer/commands/checkpoint_config.h"
#include "trainer/commands/checkpoint_keeper.h"
#include "trainer/commands/command.h"
#include "trainer/commands/prompt_stop.h"
#include "trainer/commands/report_writer.h"
#include "trainer/commands/reporter.h"
#include "trainer/commands/start_lines.h"
#include "trainer/commands/vain_settings.h"
#include "trainer/coordinator/flight_watch.h"
#include "trainer/coordinator/signals.h"

namespace lodestone {

namespace {

/// A training run on one rank, from an open configuration to the last report.
class TrainingRun {
 public:
  TrainingRun(RunConfig& config, Session& session, const TrainArguments& arguments,
              const StopSignals& signals, PromptStop& prompt);
  ~TrainingRun() { prompt_.before_the_end(nullptr); }
  TrainingRun(const TrainingRun&) = delete;
  TrainingRun& operator=(const TrainingRun&) = delete;
  int run();

 private:
  void tell(const std::vector<StartLine>& lines) const;
  void tell_data() const;
  void load_initial_weights() const;
  void start_reporting();
  void teach_sampler(const Batch& batch) const;
  std::optional<StepMetrics> step(Loader& loader);
  void tell_bad_records(Loader& loader, int64_t step);
  void tell_non_finite(const NonFinite& found, const char* what_follows);
  bool roll_back(const NonFiniteError& error);
  void warn_of_overlap() const;
  void tell_done() const;
  void evaluate(bool last);
  void write_report(const Evaluation& evaluation);
  int finish(bool stopped);
  Warn warn() const {
    return [log = session_.log](const std::string& sentence) { log->warn("{}", sentence); };
  }
  std::string yaml() const {
    return write_yaml([this](Fields& f) { config_.visit(f); });
  }

  RunConfig& config_;
  Session& session_;
  const StopSignals& signals_;
  PromptStop& prompt_;
  RunFolder folder_;
  std::optional<RunLock> lock_;  ///< rank 0; before all that writes into the folder
  TrainingData data_;
  RunIdentity identity_;
  std::unique_ptr<Evaluator> evaluator_;
  RunConfig slow_config_;  ///< of the momentum encoder
  std::unique_ptr<Trainer> trainer_;
  CheckpointKeeper keeper_;
  FlightDump dump_;
  FlightWatch watch_;  ///< hears of SIGUSR2 beside the keeper, so it comes after it
  Cursor cursor_;
  std::unique_ptr<Reporter> reporter_;
  BadRecordTeller teller_;
  int64_t bad_records_met_ = 0;  ///< by this rank, and told
  std::string results_;          ///< of the last evaluation, for people
};

// The lock of the run folder, for rank 0. Collective: where it is refused no rank goes on to write there.
std::optional<RunLock> held(Session& session, const RunFolder& folder) {
  std::optional<RunLock> lock;
  if (session.leads()) lock.emplace(folder);
  session.world.barrier();
  return lock;
}

TrainingRun::TrainingRun(RunConfig& config, Session& session, const TrainArguments& arguments,
                         const StopSignals& signals, PromptStop& prompt)
    : config_(config),
      session_(session),
      signals_(signals),
      prompt_(prompt),
      folder_(config.run_dir),
      lock_(held(session, folder_)),
      data_(open_training_data(config, session_.world.size())),
      identity_(config, data_),
      keeper_(config.checkpoint, session, folder_, lock_, identity_),
      dump_(session_.world, folder_, session_.launch.info().generation, warn()),
      watch_(session_.launch.control(), dump_, warn()),
      teller_(data_.dataset()->size(), config.data.loader.bad_records) {
  config_.data.loader.pinned = session_.launch.device().is_cuda();
  if (!config.evaluate.data.empty()) evaluator_ = make_evaluator(config);
  build_encoder(config, *config.encoder);
  tell({{first_line(config, session_.launch.device().str())}});
  tell(objective_lines(config));
  tell(vain_settings(config, session_.world.size()));
  tell_remarks(*config.encoder, session, /*training=*/true);
  keeper_.set_code(config.encoder->code());
  if (!keeper_.resumes(arguments.resume)) load_initial_weights();
  config.encoder->parameters().convert(at::kFloat, session_.launch.device());
  Encoder* slow = nullptr;
  if (config.training.loss_side.memory.has_momentum_encoder()) {
    read_stored_config(yaml(), "the run's configuration", {}, slow_config_);
    slow_config_.code = config.code;
    build_encoder(slow_config_, *slow_config_.encoder);
    slow_config_.encoder->parameters().convert(at::kFloat, session_.launch.device());
    slow = &*slow_config_.encoder;
  }
  trainer_ =
      std::make_unique<Trainer>(session_.world, session_.launch.device(), *config.encoder, config.objective(),
                                config.training, loss_side_setup(config, data_, slow));
  if (const auto cursor = keeper_.resume(arguments.resume, *trainer_)) cursor_ = *cursor;
  if (evaluator_ && session_.leads()) warn_of_overlap();
  tell_data();
  start_reporting();
}

void TrainingRun::tell(const std::vector<StartLine>& lines) const {
  if (!session_.leads()) return;
  for (const StartLine& line : lines)
    line.warns ? session_.log->warn("{}", line.text) : session_.log->info("{}", line.text);
}

void TrainingRun::tell_data() const {
  if (!session_.leads()) return;
  tell(data_lines(config_, data_, cursor_));
  tell(left_out_lines("data", *data_.dataset()));
  for (const std::string& message : data_.left_out) session_.log->warn("left out a bad record: {}", message);
  if (evaluator_) tell(left_out_lines("evaluate.data", evaluator_->dataset()));
}

// Figures on classes, or on texts without classes, that were trained on say little about new ones.
void TrainingRun::warn_of_overlap() const {
  if (config_.data.kind == "image_texts")
    return;  // names of pictures say nothing, and captions may well be common
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
    session_.log->warn(
        "{} of the {} {} that judge the model are trained on: the figures are not of unseen ones", shared,
        all, classes ? "classes" : "texts");
}

void TrainingRun::load_initial_weights() const {
  for (const auto& report : config_.encoder->load_initial_weights()) {
    if (!session_.leads()) continue;
    if (report.whole())
      session_.log->info("weights: {}", report.sentence());
    else
      session_.log->warn("weights: partial, as encoder.init_partial allows: {}", report.sentence());
  }
}

void TrainingRun::start_reporting() {
  RunStart start{trainer_->steps_done(), keeper_.resumed_at(), keeper_.generation(), yaml(), data_.dataset()};
  reporter_ = std::make_unique<Reporter>(config_, session_, folder_, start);
  if (!session_.leads()) return;
  keeper_.start(yaml(), *trainer_, *reporter_);
  prompt_.before_the_end([this] { reporter_->ended(); });
}

// Every rank teaches its sampler the same rows, in the order of the global batch.
void TrainingRun::teach_sampler(const Batch& batch) const {
  SamplerLearner* learner = data_.sampler->learner();
  if (learner == nullptr) return;
  if (trainer_->non_finite())
    return learner->observe(batch.cursor, {}, trainer_->embeddings().narrow(0, 0, 0).cpu());
  const at::Tensor z_BD = session_.world.all_gather(trainer_->embeddings());
  at::Tensor label_b = at::empty({static_cast<int64_t>(batch.labels.size())}, at::kLong);
  std::copy(batch.labels.begin(), batch.labels.end(), label_b.mutable_data_ptr<int64_t>());
  const at::Tensor label_B = session_.world.all_gather(label_b.to(z_BD.device())).cpu().contiguous();
  learner->observe(batch.cursor, {label_B.const_data_ptr<int64_t>(), static_cast<size_t>(label_B.numel())},
                   z_BD.cpu());
}

void TrainingRun::evaluate(bool last) {
  trainer_->share_buffers();
  keeper_.hold(*trainer_, cursor_);
  const auto averaged = trainer_->averaged();
  Evaluation evaluation;
  {
    const PromptStop::Stretch stretch(prompt_, "during the evaluation",
                                      [this] { return keeper_.save_held(); });
    evaluation = evaluator_->run(session_, *config_.encoder, {.with_report = last});
  }
  keeper_.let_go();
  const auto step = trainer_->steps_done();
  reporter_->evaluated(step, evaluation);
  if (!session_.leads()) return;
  const auto& measures = evaluation.model.measures.entries();
  keeper_.judged(step, {measures.begin(), measures.end()});
  if (!last) return;
  reporter_->finish();
  results_ = measures_table(evaluation.model.measures, evaluation.floor.measures);
  write_report(evaluation);
}

void TrainingRun::write_report(const Evaluation& evaluation) {
  const PromptStop::Stretch stretch(prompt_, "while the report was written",
                                    [this] { return keeper_.save_held(); });
  write_run_report(folder_, config_, session_, *config_.encoder, *evaluator_, evaluation);
}

// None if the step was not finite and the run went back to a checkpoint instead.
std::optional<StepMetrics> TrainingRun::step(Loader& loader) {
  const double waited = loader.seconds_waited();
  const int64_t ready = loader.ready();
  const Batch batch = loader.next();
  std::optional<StepMetrics> metrics;
  try {
    metrics = trainer_->step(batch, loader.seconds_waited() - waited);
    metrics->batches_ready = ready;
    if (trainer_->non_finite()) tell_non_finite(*trainer_->non_finite(), "the update is left out");
  } catch (const NonFiniteError& error) {
    if (!roll_back(error)) throw;
  }
  teach_sampler(batch);
  cursor_ = loader.cursor();
  if (metrics) {
    reporter_->step(*metrics, batch, trainer_->embeddings());
  }
  return metrics;
}

void TrainingRun::tell_bad_records(Loader& loader, int64_t step) {
  const std::vector<BadRecord> mine = loader.take_bad_records();
  bad_records_met_ += static_cast<int64_t>(mine.size());
  const auto messages = teller_.meet(session_.world, mine);
  reporter_->bad_records(step, messages, teller_.count());
}

void TrainingRun::tell_non_finite(const NonFinite& found, const char* what_follows) {
  if (session_.leads()) session_.log->warn("{}: {}", found.sentence(), what_follows);
  reporter_->non_finite_step(found.step, {{"message", found.sentence()},
                                          {"what", found.what},
                                          {"tensor", found.tensor},
                                          {"ranks", found.ranks},
                                          {"action", config_.training.non_finite.action},
                                          {"count", trainer_->counters().non_finite_steps}});
}

// Back to the newest checkpoint, and on with the batches that follow: the same ones would lead to the same end.
bool TrainingRun::roll_back(const NonFiniteError& error) {
  const NonFiniteConfig& config = config_.training.non_finite;
  const bool may = config.rolls_back() && trainer_->counters().non_finite_steps <= config.limit;
  tell_non_finite(error.found(), may ? "going back to the newest checkpoint" : "the run ends");
  if (!may) return false;
  const auto path = keeper_.roll_back(*trainer_);
  if (!path) return false;
  const int64_t step = trainer_->steps_done();
  if (session_.leads())
    session_.log->warn("rolled back to step {}; the batches since then are not seen again", step);
  reporter_->event(step, "rollback", {{"from", error.found().step}, {"path", path->string()}});
  return true;
}

// A run that has come to its end is judged once more and nothing else, which looks like a run that does not train.
void TrainingRun::tell_done() const {
  if (!session_.leads() || !keeper_.resumed_at() || !trainer_->finished()) return;
  session_.log->info(
      "the run is done: step {} of {}; to train further, start it with --set schedule.steps={} or more, to "
      "begin "
      "anew with --resume none",
      trainer_->steps_done(), config_.training.schedule.steps, 2 * trainer_->steps_done());
}

int TrainingRun::run() {
  tell_done();
  Loader loader(data_.examples, data_.sampler, config_.training.determinism.shard(session_.world),
                config_.data.loader, static_cast<uint64_t>(config_.seed), cursor_);
  bool stopped = false;
  while (!trainer_->finished() && !stopped) {
    const auto done = step(loader);
    if (!done) continue;
    const StepMetrics& metrics = *done;
    const bool bad_records = loader.bad_records() > bad_records_met_;
    const auto agreed = keeper_.agree(signals_.stop_requested(), bad_records, metrics.step);
    prompt_.leave_to_training();
    if (agreed.bad_records) tell_bad_records(loader, metrics.step);
    stopped = agreed.stop;
    const bool last = trainer_->finished();
    const int64_t every = config_.evaluate.every;
    if (evaluator_ && every > 0 && !last && !stopped && metrics.step % every == 0) evaluate(false);
    if (stopped || last || agreed.save) keeper_.save(*trainer_, cursor_);
  }
  return finish(stopped && !trainer_->finished());
}

int TrainingRun::finish(bool stopped) {
  reporter_->finish();
  if (!stopped && evaluator_) evaluate(true);
  // 0 and 75 promise that there is a checkpoint of this step. It was written during the evaluation.
  const bool saved = keeper_.saved(trainer_->steps_done());
  if (stopped) {
    const int own = signals_.signal();
    session_.log->info("stopped {} after step {}",
                       own != 0 ? "by signal " + std::to_string(own) : "since another rank was signalled",
                       trainer_->steps_done());
  }
  if (saved) reporter_->ended();
  std::cout << results_ << std::flush;  // last: whoever reads it may go away, and everything is kept by then
  if (!saved) return kRunFailed;
  return stopped ? kStoppedResumable : kDone;
}

}  // namespace

int run_train(const TrainArguments& arguments) {
  const StopSignals signals;
  PromptStop prompt(signals);
  RunConfig config;
  read_named_config(arguments.config, arguments.assignments, arguments.allow_code, config);
  return run_on_ranks(config, [&](Session& session) {
    const PromptStop::Attendance attendance(prompt, session);
    return TrainingRun(config, session, arguments, signals, prompt).run();
  });
}

}  // namespace lodestone
