#include <filesystem>
#include <iostream>
#include <optional>

#include "common/files.h"
#include "common/json_text.h"
#include "common/text_format.h"
#include "trainer/commands/verb.h"
#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/checkpoints/snapshot.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/build_encoder.h"
#include "trainer/run/checkpoint_config.h"
#include "trainer/run/ranks.h"
#include "trainer/run/report_writer.h"
#include "trainer/run/run_config.h"
#include "trainer/run/start/host_speaker.h"
#include "trainer/search/calibration.h"

namespace lodestone {

namespace fs = std::filesystem;

namespace {

struct EvaluateArguments {
  std::string run;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string json;
  std::optional<double> calibrate;
  int64_t bootstrap = 1000;
};

// Sets the threshold for "same" and stores it in the run folder of the checkpoint.
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

// A run in progress writes its own report later; the figures have been printed already.
void keep_report(const RunFolder& folder, RunConfig& config, const RunContext& context,
                 const Evaluator& evaluator, const Evaluation& evaluation) {
  std::error_code ignored;
  if (!fs::is_regular_file(folder.metrics(), ignored)) return;
  // Held until the report is written: a run that starts meanwhile must find the folder unlocked.
  std::optional<RunLock> lock;
  write_run_report(folder, config, context, *config.encoder, evaluator, evaluation,
                   [&] { lock.emplace(folder); });
}

int judge_checkpoint(RunContext& context, RunConfig& config, const Checkpoint& checkpoint,
                     const EvaluateArguments& arguments) {
  build_encoder(config, *config.encoder);
  tell_remarks(*config.encoder, context, /*training=*/false);
  restore_model(checkpoint.snapshot, config);
  config.encoder->parameters().convert(at::kFloat, context.launch.device());
  const auto evaluator = make_evaluator(config);
  tell_left_out(context, "evaluation", evaluator->dataset());
  const Evaluation evaluation =
      evaluator->run(context, *config.encoder, {.with_report = true, .resamples = arguments.bootstrap});
  if (!context.is_main_rank()) return kDone;

  nlohmann::json result = nlohmann::json::parse(to_json(evaluation.model.measures));
  if (!evaluation.model.intervals.empty())
    result["intervals"] = nlohmann::json::parse(to_json(evaluation.model.intervals));
  result["left_out"] = evaluation.left_out;
  result["step"] = checkpoint.step;
  result["checkpoint"] = checkpoint.path.string();
  if (!evaluation.floor.measures.empty())
    result["floor"] = nlohmann::json::parse(to_json(evaluation.floor.measures));
  // Printed last, since the reader of the pipe may close it; printed even if a step before it fails.
  const std::string table =
      measures_table(evaluation.model.measures, evaluation.floor.measures, evaluation.model.intervals);
  try {
    if (!arguments.json.empty()) write_file_atomic(arguments.json, json_text(result, 2) + "\n");
    keep_report(RunFolder(arguments.run), config, context, *evaluator, evaluation);
    if (arguments.calibrate)
      keep_threshold(config, checkpoint, evaluation.model, *arguments.calibrate, *context.log);
  } catch (const Error&) {
    std::cout << table << std::flush;
    throw;
  }
  std::cout << table << std::flush;
  return kDone;
}

int run_evaluate(const EvaluateArguments& arguments, const Tables& tables) {
  // Every rank reads the checkpoint's configuration, since it says how the ranks connect.
  const Checkpoint checkpoint = load_checkpoint(arguments.run, [](const std::string& sentence) {
    if (speaks_for_its_host(sentence)) make_log(0, 1)->warn("{}", sentence);
  });
  RunConfig config(tables);
  read_checkpoint_config(checkpoint, arguments.assignments, arguments.allow_code, config);
  return run_on_ranks(
      config, [&](RunContext& context) { return judge_checkpoint(context, config, checkpoint, arguments); });
}

}  // namespace

void add_evaluate(CLI::App* evaluate, Action& action) {
  auto arguments = on<EvaluateArguments>(evaluate, action, run_evaluate);
  add_path(evaluate, "run", arguments->run, "Run folder or checkpoint with the encoder")->required();
  add_set(evaluate, arguments->assignments);
  add_allow_code(evaluate, arguments->allow_code);
  add_path(evaluate, "--json", arguments->json, "File for the metrics as JSON");
  evaluate
      ->add_option("--calibrate", arguments->calibrate,
                   "False accept rate at which the decision threshold for \"same\" is set; the threshold is "
                   "stored in the run folder")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("RATE");
  evaluate
      ->add_option(
          "--bootstrap", arguments->bootstrap,
          "Number of bootstrap resamples of the classes for the 95 % confidence intervals; 0: no intervals")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
}

}  // namespace lodestone
