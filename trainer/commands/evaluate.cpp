#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <optional>

#include "common/json_text.h"
#include "common/output_file.h"
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
#include "trainer/run/start/host_reporter.h"
#include "trainer/search/calibration.h"

namespace lodestone::commands {

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
void keep_threshold(const run::RunConfig& config, const coordinator::Checkpoint& checkpoint,
                    const eval::EvaluationResult& evaluated, double far, Logger& log) {
  search::Calibration found = search::calibrate(evaluated.roc, far, run::similarity_of(config));
  found.step = checkpoint.step;
  const coordinator::RunFolder folder = coordinator::RunFolder::of_checkpoint(checkpoint.path);
  const coordinator::RunLock lock(folder);
  const fs::path file = search::calibration_file(folder.root());
  search::write_calibration(file, found);
  log.info("{}: threshold {}: accepts {} % of different pairs and {} % of same pairs", file.string(),
           compact(found.threshold), compact(100 * found.measured_far), compact(100 * found.tar));
}

// A run in progress writes its own report later; the figures have been printed already.
void keep_report(const coordinator::RunFolder& folder, int64_t ranks, run::RunConfig& config,
                 const coordinator::RunContext& context, const run::Evaluator& evaluator,
                 const eval::Evaluation& evaluation) {
  std::error_code ignored;
  if (!fs::is_regular_file(folder.metrics(), ignored)) return;
  // Held until the report is written: a run that starts meanwhile must find the folder unlocked.
  std::optional<coordinator::RunLock> lock;
  run::write_run_report(folder, ranks, config, context, *config.encoder, evaluator, evaluation,
                        [&] { lock.emplace(folder); });
}

// The first failure is kept, and the steps that follow are taken all the same.
void attempt(std::exception_ptr& failure, const std::function<void()>& step) {
  try {
    step();
  } catch (const Error&) {
    if (!failure) failure = std::current_exception();
  }
}

int evaluate_checkpoint(coordinator::RunContext& context, run::RunConfig& config,
                        const coordinator::Checkpoint& checkpoint, const EvaluateArguments& arguments) {
  run::build_encoder(config, *config.encoder);
  run::log_remarks(*config.encoder, context, /*training=*/false);
  run::restore_model(checkpoint.snapshot, config);
  config.encoder->parameters().convert(at::kFloat, context.launch.device());
  const auto evaluator = run::make_evaluator(config);
  run::report_left_out(context, "evaluation", evaluator->dataset());
  const eval::Evaluation evaluation =
      evaluator->run(context, *config.encoder, {.with_report = true, .resamples = arguments.bootstrap});
  if (!context.is_main_rank()) return kDone;

  nlohmann::json result = nlohmann::json::parse(to_json(evaluation.model.metrics));
  if (!evaluation.model.intervals.empty())
    result["intervals"] = nlohmann::json::parse(to_json(evaluation.model.intervals));
  result["left_out"] = evaluation.left_out;
  result["step"] = checkpoint.step;
  result["checkpoint"] = checkpoint.path.string();
  if (!evaluation.baseline.metrics.empty())
    result["floor"] = nlohmann::json::parse(to_json(evaluation.baseline.metrics));
  // Printed last, since the reader of the pipe may close it; printed even if a step before it fails. None of
  // these steps needs another: a pipe without a reader costs neither threshold nor report.
  const std::string table =
      eval::format_metrics(evaluation.model.metrics, evaluation.baseline.metrics, evaluation.model.intervals);
  std::exception_ptr failure;
  attempt(failure, [&] {
    if (arguments.calibrate)
      keep_threshold(config, checkpoint, evaluation.model, *arguments.calibrate, *context.log);
  });
  attempt(failure, [&] {
    keep_report(coordinator::RunFolder(arguments.run), checkpoint.world, config, context, *evaluator,
                evaluation);
  });
  attempt(failure, [&] {
    if (!arguments.json.empty()) write_output(arguments.json, json_text(result, 2) + "\n");
  });
  std::cout << table << std::flush;
  if (failure) std::rethrow_exception(failure);
  return kDone;
}

int run_evaluate(const EvaluateArguments& arguments, const run::Tables& tables) {
  // Every rank reads the checkpoint's configuration, since it says how the ranks connect.
  const coordinator::Checkpoint checkpoint =
      coordinator::load_checkpoint(arguments.run, [](const std::string& sentence) {
        if (run::reports_for_host(sentence)) make_log(0, 1)->warn("{}", sentence);
      });
  run::RunConfig config(tables);
  run::read_checkpoint_config(checkpoint, arguments.assignments, arguments.allow_code, config);
  return run::run_on_ranks(config, [&](coordinator::RunContext& context) {
    return evaluate_checkpoint(context, config, checkpoint, arguments);
  });
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

}  // namespace lodestone::commands
