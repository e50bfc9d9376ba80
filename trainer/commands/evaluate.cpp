#include <array>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <optional>

#include <nlohmann/json.hpp>

#include "common/json_text.h"
#include "common/output_file.h"
#include "common/paths.h"
#include "common/text_format.h"
#include "sampler/sources/image_format.h"
#include "trainer/commands/next_step.h"
#include "trainer/commands/shared_options.h"
#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/bad_record_reporter.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/ranks.h"
#include "trainer/run/report_writer.h"
#include "trainer/run/trained_model.h"
#include "trainer/search/calibration.h"

namespace lodestone::commands {

namespace fs = std::filesystem;

namespace {

struct EvaluateArguments {
  std::string model;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string data;
  std::string report;
  std::string json;
  std::optional<double> calibrate;
  int64_t bootstrap = 1000;
};

// Settings that belong to the evaluation data of the configuration, so that --data replaces them.
constexpr std::array kOfOwnData = {"evaluate.data.path",         "evaluate.data.mixture",
                                   "evaluate.data.class_filter", "evaluate.data.part",
                                   "evaluate.one_shot_runs",     "evaluate.summary"};

// Evaluates what --data names as --input is read by other commands: whole, unless it has splits.
void evaluate_other_data(const EvaluateArguments& arguments, run::RunConfig& config) {
  for (const char* key : kOfOwnData)
    for (const std::string& assignment : arguments.assignments)
      if (assignment.starts_with(std::string(key) + "="))
        throw ConfigError(std::string("--data: expected no --set ") + key + ", which --data replaces, got " +
                          assignment + "; leave one of them out");
  run::EvaluateConfig& evaluate = config.evaluate;
  if (!sampler::has_split_column(arguments.data)) evaluate.data.split.clear();
  // Absolute, since data.root is the folder of the configuration's own paths.
  evaluate.data.path = absolute_path(arguments.data);
  evaluate.data.mixture.clear();
  evaluate.data.class_filter.clear();
  evaluate.data.part = {};
  evaluate.one_shot_runs.clear();
  evaluate.summary.clear();
}

/// What the evaluation of a model leaves behind besides the metrics.
class Record {
 public:
  Record(coordinator::RunContext& context, run::TrainedModel& model, const EvaluateArguments& arguments,
         bool own_data)
      : context_(context), model_(model), arguments_(arguments), own_data_(own_data) {}

  void write_json(const eval::Evaluation& evaluation) const {
    if (arguments_.json.empty()) return;
    nlohmann::json result = nlohmann::json::parse(to_json(evaluation.model.metrics));
    if (!evaluation.model.intervals.empty())
      result["intervals"] = nlohmann::json::parse(to_json(evaluation.model.intervals));
    result["left_out"] = evaluation.left_out;
    result["step"] = model_.step();
    result[model_.run() ? "checkpoint" : "configuration"] = model_.path().string();
    if (!arguments_.data.empty()) result["data"] = arguments_.data;
    if (!evaluation.baseline.metrics.empty())
      result["floor"] = nlohmann::json::parse(to_json(evaluation.baseline.metrics));
    write_output(arguments_.json, json_text(result, 2) + "\n");
  }

  // Sets the threshold for "same" and stores it with the model.
  void keep_threshold(const eval::EvaluationResult& evaluated) const {
    if (!arguments_.calibrate) return;
    search::Calibration found =
        search::calibrate(evaluated, *arguments_.calibrate, run::similarity_of(model_.config()));
    found.step = model_.step();
    found.weights = model_.weights();
    std::optional<coordinator::RunLock> lock;
    if (const auto folder = model_.run()) lock.emplace(*folder);
    const fs::path file = model_.calibration_file();
    search::write_calibration(file, found);
    context_.log->info("{}: threshold {}: accepts {} % of different pairs and {} % of same pairs",
                       file.string(), compact(found.threshold), compact(100 * found.measured_far),
                       compact(100 * found.tar));
  }

  void write_report(const run::Evaluator& evaluator, const eval::Evaluation& evaluation) const {
    encoders::Encoder& encoder = *model_.config().encoder;
    const coordinator::RunFolder folder(arguments_.model);
    std::error_code ignored;
    const bool is_run = fs::is_regular_file(folder.metrics(), ignored);
    if (!arguments_.report.empty()) {
      const auto run = own_data_ ? model_.run() : std::nullopt;
      run::write_report_file(arguments_.report,
                             {model_.name(), run ? run->metrics() : fs::path(), model_.world()},
                             model_.config(), context_, encoder, evaluator, evaluation);
    } else if (is_run && !own_data_) {
      context_.log->info("{} stays that of the run's own data; --report FILE writes one of this data",
                         folder.report().string());
    } else if (is_run) {
      // Held until the report is written: a run that starts meanwhile must find the folder unlocked. A run in
      // progress writes its own report later.
      std::optional<coordinator::RunLock> lock;
      run::write_run_report(folder, model_.world(), model_.config(), context_, encoder, evaluator, evaluation,
                            [&] { lock.emplace(folder); });
    }
  }

 private:
  coordinator::RunContext& context_;
  run::TrainedModel& model_;
  const EvaluateArguments& arguments_;
  bool own_data_;
};

// The first failure is kept, and the steps that follow are taken all the same.
void attempt(std::exception_ptr& failure, const std::function<void()>& step) {
  try {
    step();
  } catch (const Error&) {
    if (!failure) failure = std::current_exception();
  }
}

int evaluate_model(coordinator::RunContext& context, run::TrainedModel& model,
                   const EvaluateArguments& arguments, bool own_data) {
  model.load(context);
  const auto evaluator = run::make_evaluator(model.config());
  run::report_left_out(context, "evaluation", evaluator->dataset());
  const eval::Evaluation evaluation =
      evaluator->run(context, *model.config().encoder,
                     {.with_report = true, .resamples = arguments.bootstrap, .far = arguments.calibrate});
  if (!context.is_main_rank()) return kDone;
  // The table is printed last, since the reader of the pipe may close it, and printed even if a step before
  // it fails. None of these steps needs another: a pipe without a reader costs neither threshold nor report.
  const Record record(context, model, arguments, own_data);
  std::exception_ptr failure;
  attempt(failure, [&] { record.write_json(evaluation); });
  attempt(failure, [&] { record.keep_threshold(evaluation.model); });
  attempt(failure, [&] { record.write_report(*evaluator, evaluation); });
  std::cout << eval::format_metrics(evaluation.model.metrics, evaluation.baseline.metrics,
                                    evaluation.model.intervals)
            << std::flush;
  if (failure) std::rethrow_exception(failure);
  if (arguments.json.empty()) {
    if (search::tells_same(evaluation.model) && !is_file(model.calibration_file()))
      log_next(*context.log, {"evaluate", arguments.model, "--calibrate", "0.001"});
    else
      log_next(*context.log, {"embed", arguments.model, "--input", "FILES", "--output", "FILE.safetensors"});
  }
  return kDone;
}

int run_evaluate(const EvaluateArguments& arguments, const run::Tables& tables) {
  // Every rank reads the model's configuration, since it says how the ranks connect.
  run::TrainedModel model(tables, arguments.model, arguments.assignments, arguments.allow_code);
  if (!arguments.data.empty()) evaluate_other_data(arguments, model.config());
  const bool own_data = arguments.data.empty() && model.evaluates_own_data();
  return run::run_on_ranks(model.config(), [&](coordinator::RunContext& context) {
    return evaluate_model(context, model, arguments, own_data);
  });
}

}  // namespace

void add_evaluate(CLI::App* evaluate, Action& action) {
  auto arguments = on<EvaluateArguments>(evaluate, action, run_evaluate);
  add_model(evaluate, arguments->model)->required();
  add_path(
      evaluate, "--data", arguments->data,
      "Other data to evaluate on, in any form that evaluate.data.path has; the run's own report is left as "
      "it is (default: evaluate.data)");
  add_path(evaluate, "--report", arguments->report,
           "File for the HTML report (default: report.html in the run folder, for the run's own data)");
  add_path(evaluate, "--json", arguments->json, "File for the metrics as JSON");
  evaluate
      ->add_option("--calibrate", arguments->calibrate,
                   "False accept rate at which the decision threshold for \"same\" is set; the threshold is "
                   "stored in the run folder, or beside the configuration")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("RATE");
  evaluate
      ->add_option(
          "--bootstrap", arguments->bootstrap,
          "Number of bootstrap resamples of the classes for the 95 % confidence intervals; 0: no intervals")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  add_set(evaluate, arguments->assignments);
  add_allow_code(evaluate, arguments->allow_code);
}

}  // namespace lodestone::commands
