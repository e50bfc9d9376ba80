#include <filesystem>
#include <iostream>
#include <optional>

#include "common/files.h"
#include "common/json_text.h"
#include "trainer/commands/checkpoint_config.h"
#include "trainer/commands/command.h"
#include "trainer/commands/report_writer.h"
#include "trainer/commands/state.h"
#include "trainer/coordinator/run_folder.h"
#include "trainer/eval/text.h"
#include "trainer/search/calibration.h"

namespace lodestone {

namespace fs = std::filesystem;

namespace {

// Sets the score from which this model says "same", and keeps it in the run folder that the checkpoint is of.
void keep_threshold(const RunConfig& config, const Checkpoint& checkpoint, const Judgement& judged,
                    double far, Logger& log) {
  Calibration found = calibrate(judged.roc, far, likeness_of(config));
  found.step = checkpoint.step;
  const RunFolder folder = RunFolder::of_checkpoint(checkpoint.path);
  const RunLock lock(folder);
  const fs::path file = calibration_file(folder.root());
  write_calibration(file, found);
  log.info("{}: same from a score of {}: accepts {} % of different pairs and {} % of same ones",
           file.string(), compact(found.threshold), compact(100 * found.measured_far),
           compact(100 * found.tar));
}

// A run folder that is in use has its own report to come; the figures were told already.
void keep_report(const RunFolder& folder, RunConfig& config, const Session& session,
                 const Evaluator& evaluator, const Evaluation& evaluation) {
  std::error_code ignored;
  if (!fs::is_regular_file(folder.metrics(), ignored)) return;
  std::optional<RunLock>
      lock;  // for as long as it takes to write: a run that starts meanwhile must find the folder free
  write_run_report(folder, config, session, *config.encoder, evaluator, evaluation,
                   [&] { lock.emplace(folder); });
}

int judge_checkpoint(Session& session, RunConfig& config, const Checkpoint& checkpoint,
                     const EvaluateArguments& arguments) {
  build_encoder(config, *config.encoder);
  tell_remarks(*config.encoder, session, /*training=*/false);
  restore_model(checkpoint.snapshot, config);
  config.encoder->parameters().convert(at::kFloat, session.launch.device());
  const auto evaluator = make_evaluator(config);
  tell_left_out(session, "evaluation", evaluator->dataset());
  const Evaluation evaluation =
      evaluator->run(session, *config.encoder, {.with_report = true, .resamples = arguments.bootstrap});
  if (!session.leads()) return kDone;

  nlohmann::json result = nlohmann::json::parse(to_json(evaluation.model.measures));
  if (!evaluation.model.intervals.empty())
    result["intervals"] = nlohmann::json::parse(to_json(evaluation.model.intervals));
  result["left_out"] = evaluation.left_out;
  result["step"] = checkpoint.step;
  result["checkpoint"] = checkpoint.path.string();
  if (!evaluation.floor.measures.empty())
    result["floor"] = nlohmann::json::parse(to_json(evaluation.floor.measures));
  if (!arguments.json.empty()) write_file_atomic(arguments.json, json_text(result, 2) + "\n");

  // Printed last, since whoever reads it may go away; and also where what comes before it fails.
  const std::string table =
      measures_table(evaluation.model.measures, evaluation.floor.measures, evaluation.model.intervals);
  try {
    keep_report(RunFolder(arguments.run), config, session, *evaluator, evaluation);
    if (arguments.calibrate)
      keep_threshold(config, checkpoint, evaluation.model, *arguments.calibrate, *session.log);
  } catch (const Error&) {
    std::cout << table << std::flush;
    throw;
  }
  std::cout << table << std::flush;
  return kDone;
}

}  // namespace

int run_evaluate(const EvaluateArguments& arguments) {
  // Every rank reads the checkpoint's configuration, since it says how ranks find each other.
  const Checkpoint checkpoint = load_checkpoint(arguments.run, [](const std::string& sentence) {
    if (speaks_for_its_host()) make_log(0, 1)->warn("{}", sentence);
  });
  RunConfig config;
  read_checkpoint_config(checkpoint, arguments.assignments, arguments.allow_code, config);
  return run_on_ranks(
      config, [&](Session& session) { return judge_checkpoint(session, config, checkpoint, arguments); });
}

}  // namespace lodestone
