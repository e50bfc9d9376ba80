#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trainer/coordinator/coordinator.h"
#include "trainer/coordinator/faults/signals.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/engine/trainer.h"
#include "trainer/run/bad_record_reporter.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/run_config.h"
#include "trainer/run/start/prompt_stop.h"
#include "trainer/run/start_lines.h"

namespace lodestone::run {

/// A training run on one rank, from a configuration to the final report: data, encoder, trainer and
/// coordinator, and the loop over the steps.
///
///     const coordinator::StopSignals signals;
///     PromptStop prompt(signals);
///     run_on_ranks(config, [&](coordinator::RunContext& context) {
///       const PromptStop::Attendance attendance(prompt, context);
///       return TrainingRun(config, context, {}, signals, prompt).run();
///     });
///
/// Ranks     construction and run are collective
/// Throws    ConfigError, DataError, CheckpointError, IoError, CommError
class TrainingRun {
 public:
  /// Opens the run folder and the data, builds the encoder and restores the checkpoint that `resume` names.
  /// Requires  all arguments outlive this object
  TrainingRun(RunConfig& config, coordinator::RunContext& context, const coordinator::Resume& resume,
              const coordinator::StopSignals& signals, PromptStop& prompt);
  ~TrainingRun() { prompt_.before_the_end(nullptr); }
  TrainingRun(const TrainingRun&) = delete;
  TrainingRun& operator=(const TrainingRun&) = delete;

  /// Trains, evaluates and saves; prints results to stdout. Returns the exit code: kDone, kStoppedResumable,
  /// or kRunFailed if the last checkpoint could not be saved.
  int run();

 private:
  void build(const coordinator::Resume& resume);
  void log_lines(const std::vector<StartLine>& lines) const;
  void log_data() const;
  void log_done() const;
  void load_initial_weights() const;
  encoders::Encoder* build_momentum_encoder();
  void start_reporting();
  void update_sampler(const sampler::Batch& batch) const;
  std::optional<engine::StepMetrics> step(sampler::Loader& loader);
  void report_bad_records(sampler::Loader& loader, int64_t step);
  void log_non_finite(const engine::NonFinite& found, const char* what_follows);
  bool roll_back(const engine::NonFiniteError& error);
  void evaluate(bool last);
  void write_report(const eval::Evaluation& evaluation);
  int finish(bool stopped);
  void log_end(bool stopped, bool saved) const;
  std::string yaml() const {
    return write_yaml([this](Fields& f) { config_.visit(f); });
  }

  RunConfig& config_;
  coordinator::RunContext& context_;
  const coordinator::StopSignals& signals_;
  PromptStop& prompt_;
  coordinator::Coordinator coordinator_;  ///< first, so that nothing is done before the run folder is locked
  TrainingData data_;
  std::unique_ptr<Evaluator> evaluator_;
  RunConfig momentum_encoder_config_;  ///< configuration of the momentum encoder
  std::unique_ptr<engine::Trainer> trainer_;
  sampler::Cursor cursor_;
  BadRecordReporter bad_record_reporter_;
  int64_t bad_records_reported_ = 0;  ///< bad records of this rank that have been reported
  std::string results_;               ///< results of the last evaluation, as text
};

}  // namespace lodestone::run
