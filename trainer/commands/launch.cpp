#include <filesystem>

#include "common/log.h"
#include "common/log_format.h"
#include "common/paths.h"
#include "trainer/commands/usage.h"
#include "trainer/commands/verb.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/checkpoints/checkpoint_files.h"
#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/faults/mpirun_command.h"
#include "trainer/coordinator/faults/supervisor.h"
#include "trainer/run/checkpoint_config.h"
#include "trainer/run/run_config.h"
#include "trainer/run/start/load_watch.h"

namespace lodestone::commands {

namespace {

/// The facts about the run in the launched command, if that is `train`.
struct LaunchedTraining {
  std::string config;
  std::vector<std::string> assignments;
  bool allow_code = false;
};

struct LaunchArguments {
  std::optional<int> ranks;
  int max_restarts = 3;
  std::optional<int> min_ranks;
  std::string hostfile;
  std::vector<std::string> command;       ///< words after `--`: a command of this program
  std::optional<LaunchedTraining> train;  ///< set if the command is a training run
};

namespace fs = std::filesystem;

std::optional<int64_t> newest_step(const coordinator::RunFolder& folder) {
  std::optional<int64_t> newest;
  for (const auto& path : coordinator::list_checkpoints(folder.checkpoints())) {
    const int64_t step = coordinator::step_of(path.filename().string());
    if (!newest || step > *newest) newest = step;
  }
  return newest;
}

// launch reads it, and so does every rank.
void refuse_pipe(const std::string& config) {
  if (path_exists(config) && !is_file(config) && !is_folder(config))
    throw ConfigError("launch: " + config +
                      ": expected a regular file, which every rank can read, got a pipe or a device, which "
                      "can be read once; write the configuration into a file");
}

// The requested number of ranks, or all slots of the hostfile.
int ranks_wanted(const LaunchArguments& arguments, const coordinator::Hosts* hosts) {
  const auto slots = hosts == nullptr ? std::optional<int>(1) : hosts->slots();
  if (!slots && (!arguments.ranks || arguments.min_ranks))
    throw ConfigError("launch: expected slots=N behind each host's name in " + arguments.hostfile +
                      ", since only mpirun knows the slots of a host that names none; add them, or give -n "
                      "and no --min-ranks");
  const int ranks = arguments.ranks.value_or(slots.value_or(1));
  if (hosts != nullptr && slots && *slots < ranks)
    throw ConfigError("launch: expected slots for " + std::to_string(ranks) + " ranks in " +
                      arguments.hostfile + ", got " + std::to_string(*slots) +
                      "; write slots=N behind each host's name");
  if (arguments.min_ranks.value_or(1) > ranks)
    throw ConfigError("launch: expected --min-ranks to be at most -n " + std::to_string(ranks) + ", got " +
                      std::to_string(*arguments.min_ranks));
  return ranks;
}

int run_launch(const LaunchArguments& arguments, const run::Tables& tables) {
  std::optional<coordinator::Hosts> hosts;
  if (!arguments.hostfile.empty()) hosts.emplace(arguments.hostfile);
  const coordinator::Hosts* hostfile = hosts ? &*hosts : nullptr;
  const int ranks = ranks_wanted(arguments, hostfile);
  coordinator::SupervisorOptions options;
  options.world = ranks;
  options.min_world = arguments.min_ranks.value_or(ranks);
  options.max_restarts = arguments.max_restarts;
  const bool under_mpirun = ranks > 1 || hosts;
  options.stop_signal = under_mpirun ? SIGUSR1 : 0;
  if (under_mpirun) options.rank_variable = "OMPI_COMM_WORLD_RANK=";
  // Computed once, since the name changes if the file is replaced while the job runs.
  const std::string program = fs::read_symlink("/proc/self/exe").string();
  const coordinator::MpirunCommand command(program, arguments.command, run::load_watch(), hostfile);
  options.command = [&command](const coordinator::Generation& generation) {
    return command.of(generation.world);
  };
  if (hosts) options.ranks_left = [&hosts] { return hosts->find_those_left(); };
  if (arguments.train) {
    run::RunConfig config(tables);  // errors in it are reported here, once, before anything starts
    const LaunchedTraining& train = *arguments.train;
    refuse_pipe(train.config);
    run::read_named_config(train.config, train.assignments, train.allow_code, config,
                           run::ReadFor::kTraining);
    choose_log_format(config.log.format);
    options.newest_checkpoint = [folder = coordinator::RunFolder(config.run_dir)] {
      return newest_step(folder);
    };
  }
  const Log log = make_log(-1, 1);
  if (const std::string problem = command.loopback_problem(); under_mpirun && !problem.empty())
    log->warn("launch: mpirun listens on every network, since {}", problem);
  return coordinator::Supervisor(std::move(options), log).run();
}

// The command after `--` is parsed here too, so that an error in it is reported before mpirun starts.
void read_launched(LaunchArguments& arguments) {
  CLI::App inner{"The command that is launched", "lodestone"};
  inner.require_subcommand(1);
  Action ignored;
  add_verbs(inner, ignored);
  try {
    inner.parse(std::vector<std::string>(arguments.command.rbegin(), arguments.command.rend()));
  } catch (const CLI::Success&) {
    throw;
  } catch (const CLI::ParseError& error) {
    throw ConfigError(usage_problem(inner, error, arguments.command));
  }
  if (inner.got_subcommand("launch"))
    throw CLI::ValidationError("launch: expected another command behind --, got launch");
  if (!inner.got_subcommand("train")) return;
  const CLI::App* train = inner.get_subcommand("train");
  arguments.train = {train->get_option("config")->as<std::string>(), train->get_option("--set")->results(),
                     train->get_option("--allow-code")->count() > 0};
}

}  // namespace

void add_launch(CLI::App* launch, Action& action) {
  auto arguments = std::make_shared<LaunchArguments>();
  launch
      ->add_option("-n,--ranks", arguments->ranks,
                   "Number of ranks (default: all slots of --hostfile, or 1 without a hostfile)")
      ->check(CLI::Range(1, 65536));
  launch->add_option("--max-restarts", arguments->max_restarts, "Largest number of restarts")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  launch
      ->add_option("--min-ranks", arguments->min_ranks,
                   "Smallest number of ranks to continue with after hosts are lost or restarts make no "
                   "progress (default: the value of -n)")
      ->check(CLI::Range(1, 65536));
  add_path(launch, "--hostfile", arguments->hostfile,
           "Open MPI hostfile, with lines \"host slots=N\" (default: this host alone)");
  launch
      ->add_option("command", arguments->command,
                   "Command of this program to run on every rank, after --: train CONFIG ...")
      ->required();
  launch->callback([&action, arguments] {
    read_launched(*arguments);
    action = [arguments](const run::Tables& tables) { return run_launch(*arguments, tables); };
  });
}

}  // namespace lodestone::commands
