#include "trainer/commands/verb.h"
#include "trainer/coordinator/faults/signals.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/checkpoint_config.h"
#include "trainer/run/ranks.h"
#include "trainer/run/run_config.h"
#include "trainer/run/training_run.h"

namespace lodestone::commands {

namespace {

struct TrainArguments {
  std::string config;
  std::vector<std::string> assignments;
  bool allow_code = false;
  std::string resume = "auto";
};

int run_train(const TrainArguments& arguments, const run::Tables& tables) {
  const coordinator::StopSignals signals;
  run::PromptStop prompt(signals);
  run::RunConfig config(tables);
  run::read_named_config(arguments.config, arguments.assignments, arguments.allow_code, config,
                         run::ReadFor::kTraining);
  return run::run_on_ranks(config, [&](coordinator::RunContext& context) {
    const run::PromptStop::Attendance attendance(prompt, context);
    return run::TrainingRun(config, context, coordinator::Resume::named(arguments.resume), signals, prompt)
        .run();
  });
}

}  // namespace

void add_train(CLI::App* train, Action& action) {
  auto arguments = on<TrainArguments>(train, action, run_train, /*handles_signals=*/true);
  add_path(train, "config", arguments->config, "Configuration file (YAML)")->required();
  add_set(train, arguments->assignments);
  add_allow_code(train, arguments->allow_code);
  add_path(
      train, "--resume", arguments->resume,
      "Checkpoint to continue from; auto: the newest one of the run folder, if any; none: start a new run")
      ->capture_default_str();
}

}  // namespace lodestone::commands
