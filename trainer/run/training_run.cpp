#include "trainer/run/training_run.h"

#include <algorithm>
#include <iostream>

#include <ATen/ops/empty.h>

#include "common/exit_code.h"
#include "sampler/samplers/sampler_learner.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/build_encoder.h"
#include "trainer/run/last_line.h"
#include "trainer/run/report_writer.h"
#include "trainer/run/run_config.h"
#include "trainer/run/settings_without_effect.h"
#include "trainer/run/start_lines.h"

namespace lodestone::run {

TrainingRun::TrainingRun(RunConfig& config, coordinator::RunContext& context,
                         const coordinator::Resume& resume, const coordinator::StopSignals& signals,
                         PromptStop& prompt)
    : config_(config),
      context_(context),
      signals_(signals),
      prompt_(prompt),
      coordinator_({config.checkpoint, config.metrics, config.report}, context, config.run_dir),
      data_(open_training_data(config, context_.world.size())),
      momentum_encoder_config_(config.tables),
      bad_record_reporter_(data_.dataset()->size(), config.data.loader.bad_records) {
  config_.data.loader.pinned = context_.launch.device().is_cuda();
  if (!config.evaluate.data.empty()) evaluator_ = make_evaluator(config);
  build(resume);
  log_data();
  start_reporting();
}

void TrainingRun::build(const coordinator::Resume& resume) {
  const c10::Device device = context_.launch.device();
  encoders::Encoder& encoder = *config_.encoder;
  build_encoder(config_, encoder);
  log_lines({{first_line(config_, device.str())}});
  log_lines(objective_lines(config_));
  log_lines(settings_without_effect(config_, context_.world.size()));
  log_remarks(encoder, context_, /*training=*/true);
  if (!coordinator_.resumes(resume)) load_initial_weights();
  encoder.parameters().convert(at::kFloat, device);
  encoders::Encoder* momentum_encoder =
      config_.training.loss_head.memory.has_momentum_encoder() ? build_momentum_encoder() : nullptr;
  trainer_ =
      std::make_unique<engine::Trainer>(context_.world, device, encoder, config_.objective(),
                                        config_.training, loss_head_setup(config_, data_, momentum_encoder));
  const auto cursor = coordinator_.resume(resume, run_facts(config_, data_), encoder.files(), *trainer_);
  if (cursor) cursor_ = *cursor;
}

encoders::Encoder* TrainingRun::build_momentum_encoder() {
  read_stored_config(yaml(), "the run's configuration", {}, momentum_encoder_config_);
  momentum_encoder_config_.code = config_.code;
  build_encoder(momentum_encoder_config_, *momentum_encoder_config_.encoder);
  momentum_encoder_config_.encoder->parameters().convert(at::kFloat, context_.launch.device());
  return &*momentum_encoder_config_.encoder;
}

void TrainingRun::log_lines(const std::vector<StartLine>& lines) const {
  if (!context_.is_main_rank()) return;
  for (const StartLine& line : lines)
    line.warns ? context_.log->warn("{}", line.text) : context_.log->info("{}", line.text);
}

void TrainingRun::log_data() const {
  if (!context_.is_main_rank()) return;
  if (evaluator_) log_lines(overlap_lines(config_, *data_.dataset(), evaluator_->dataset()));
  log_lines(data_lines(config_, data_, cursor_));
  log_lines(left_out_lines("data", *data_.dataset()));
  for (const std::string& message : data_.left_out) context_.log->warn("left out a bad record: {}", message);
  if (evaluator_) log_lines(left_out_lines("evaluate.data", evaluator_->dataset()));
  if (evaluator_ && config_.names_classes(config_.evaluate.text))
    log_lines(spelling_lines("evaluate.data", evaluator_->dataset()));
}

void TrainingRun::load_initial_weights() const {
  for (const auto& report : config_.encoder->load_initial_weights()) {
    if (!context_.is_main_rank()) continue;
    if (report.whole())
      context_.log->info("weights: {}", report.sentence());
    else
      context_.log->warn("weights: partial, as encoder.init_partial allows: {}", report.sentence());
  }
}

void TrainingRun::start_reporting() {
  const int64_t parameters = config_.encoder->parameters().count();
  const Unit unit = config_.data.kind->unit(config_.data);
  coordinator::RunStart start{.config = yaml(),
                              .examples = data_.examples,
                              .objective = config_.objective(),
                              .steps_planned = config_.training.schedule.steps,
                              .parameters = parameters,
                              .unit = unit.name,
                              .rows_per_unit = unit.rows,
                              .facts = {{"Encoder", config_.encoder.name()},
                                        {"Parameters", std::to_string(parameters)},
                                        {"Loss", config_.loss.name()},
                                        {"Miner", config_.miner.name()},
                                        {"Sampler", config_.sampler.name()},
                                        {"Global batch", std::to_string(config_.global_batch)},
                                        {"Data", data_size(config_, data_)}}};
  coordinator_.start(std::move(start), *trainer_);
  if (context_.is_main_rank()) prompt_.before_the_end([this] { coordinator_.mark_completed(); });
}

// All ranks teach their samplers the same rows, in the order of the global batch.
void TrainingRun::update_sampler(const sampler::Batch& batch) const {
  sampler::SamplerLearner* learner = data_.sampler->learner();
  if (learner == nullptr) return;
  if (trainer_->non_finite())
    return learner->observe(batch.cursor, {}, trainer_->embeddings().narrow(0, 0, 0).cpu());
  const at::Tensor z_BD = context_.world.all_gather(trainer_->embeddings());
  at::Tensor label_b = at::empty({static_cast<int64_t>(batch.labels.size())}, at::kLong);
  std::copy(batch.labels.begin(), batch.labels.end(), label_b.mutable_data_ptr<int64_t>());
  const at::Tensor label_B = context_.world.all_gather(label_b.to(z_BD.device())).cpu().contiguous();
  learner->observe(batch.cursor, {label_B.const_data_ptr<int64_t>(), static_cast<size_t>(label_B.numel())},
                   z_BD.cpu());
}

void TrainingRun::evaluate(bool last) {
  trainer_->share_buffers();
  const eval::Evaluation evaluation = coordinator_.evaluate(*trainer_, cursor_, [&] {
    const auto averaged = trainer_->averaged();
    const PromptStop::Scope scope(prompt_,
                                  {"during the evaluation", &coordinator_.folder(), trainer_->steps_done()},
                                  [this] { return coordinator_.save_held(); });
    return evaluator_->run(context_, *config_.encoder, {.with_report = last});
  });
  if (!last || !context_.is_main_rank()) return;
  results_ = eval::format_metrics(evaluation.model.metrics, evaluation.baseline.metrics);
  write_report(evaluation);
}

void TrainingRun::write_report(const eval::Evaluation& evaluation) {
  const PromptStop::Scope scope(
      prompt_, {"while the report was written", &coordinator_.folder(), trainer_->steps_done()},
      [this] { return coordinator_.save_held(); });
  write_run_report(coordinator_.folder(), context_.world.size(), config_, context_, *config_.encoder,
                   *evaluator_, evaluation);
}

// nullopt if the step was not finite and the run was rolled back to a checkpoint.
std::optional<engine::StepMetrics> TrainingRun::step(sampler::Loader& loader) {
  const double waited = loader.seconds_waited();
  const int64_t ready = loader.ready();
  const sampler::Batch batch = loader.next();
  std::optional<engine::StepMetrics> metrics;
  try {
    metrics = trainer_->step(batch, loader.seconds_waited() - waited);
    metrics->batches_ready = ready;
    if (trainer_->non_finite()) log_non_finite(*trainer_->non_finite(), "the update is left out");
  } catch (const engine::NonFiniteError& error) {
    if (!roll_back(error)) throw;
  }
  update_sampler(batch);
  cursor_ = loader.cursor();
  if (metrics) {
    coordinator_.report(*metrics, batch, trainer_->embeddings());
  }
  return metrics;
}

void TrainingRun::report_bad_records(sampler::Loader& loader, int64_t step) {
  const std::vector<sampler::BadRecord> mine = loader.take_bad_records();
  bad_records_reported_ += static_cast<int64_t>(mine.size());
  const auto messages = bad_record_reporter_.report(context_.world, mine);
  coordinator_.report_bad_records(step, messages, bad_record_reporter_.count());
}

void TrainingRun::log_non_finite(const engine::NonFinite& found, const char* what_follows) {
  if (context_.is_main_rank()) context_.log->warn("{}: {}", found.sentence(), what_follows);
  coordinator_.report_non_finite(found, config_.training.non_finite.action,
                                 trainer_->counters().non_finite_steps);
}

// Restores the newest checkpoint and continues with the batches that follow, since
// the same ones would fail again.
bool TrainingRun::roll_back(const engine::NonFiniteError& error) {
  const engine::NonFiniteConfig& config = config_.training.non_finite;
  const bool may = config.rolls_back() && trainer_->counters().non_finite_steps <= config.limit;
  log_non_finite(error.found(), may ? "rolling back to the newest checkpoint" : "the run ends");
  if (!may) return false;
  return coordinator_.roll_back(error.found().step, *trainer_).has_value();
}

// Explains why a completed run only evaluates once more, which looks like a run that does not train.
void TrainingRun::log_done() const {
  if (!context_.is_main_rank() || !coordinator_.resumed_at() || !trainer_->finished()) return;
  context_.log->info(
      "the run is done: step {} of {}; to train further, start it with --set schedule.steps={} or more; to "
      "start a new run, use --resume none",
      trainer_->steps_done(), config_.training.schedule.steps, 2 * trainer_->steps_done());
}

int TrainingRun::run() {
  log_done();
  sampler::Loader loader(data_.examples, data_.sampler, config_.training.determinism.shard(context_.world),
                         config_.data.loader, static_cast<uint64_t>(config_.seed), cursor_);
  bool stopped = false;
  while (!trainer_->finished() && !stopped) {
    const auto done = step(loader);
    if (!done) continue;
    const engine::StepMetrics& metrics = *done;
    const bool bad_records = loader.bad_records() > bad_records_reported_;
    const auto agreed = coordinator_.agree(signals_.stop_requested(), bad_records, metrics.step);
    prompt_.leave_to_training();
    if (agreed.bad_records) report_bad_records(loader, metrics.step);
    stopped = agreed.stop;
    const bool last = trainer_->finished();
    const int64_t every = config_.evaluate.every;
    if (evaluator_ && every > 0 && !last && !stopped && metrics.step % every == 0) evaluate(false);
    if (stopped || last || agreed.save) coordinator_.save(*trainer_, cursor_);
  }
  return finish(stopped && !trainer_->finished());
}

void TrainingRun::log_end(bool stopped, bool saved) const {
  if (!context_.is_main_rank()) return;
  const coordinator::RunFolder& folder = coordinator_.folder();
  const int own = signals_.signal();
  const std::string by = own != 0 ? "by signal " + std::to_string(own) : "by a signal to another rank";
  const std::string what = stopped ? "stopped " + by : "done";
  if (!saved)
    context_.log->error("{}", unsaved_line(what, folder));
  else
    context_.log->info("{}", stopped ? stopped_line(what, folder, trainer_->steps_done())
                                     : done_line(folder, trainer_->steps_done(),
                                                 coordinator_.resumed_at() != trainer_->steps_done()));
}

int TrainingRun::finish(bool stopped) {
  if (!stopped && evaluator_) evaluate(true);
  // Exit codes 0 and 75 promise a checkpoint of this step. It was written during the evaluation.
  const bool saved = coordinator_.wait_for_save(trainer_->steps_done());
  log_end(stopped, saved);
  if (saved) coordinator_.mark_completed();
  // Last: the reader of the pipe may close it, and everything is saved by then.
  std::cout << results_ << std::flush;
  if (!saved) return kRunFailed;
  return stopped ? kStoppedResumable : kDone;
}

}  // namespace lodestone::run
