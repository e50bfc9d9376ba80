#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include <unistd.h>

#include "common/files.h"
#include "common/log.h"
#include "common/log_format.h"
#include "common/paths.h"
#include "common/printable.h"
#include "trainer/commands/usage.h"
#include "trainer/commands/verb.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/checkpoints/checkpoint_files.h"
#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/faults/host_list.h"
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

std::vector<std::string> remote_agent() {
  const char* chosen = std::getenv("OMPI_MCA_plm_rsh_agent");
  if (chosen == nullptr) return {"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"};
  std::istringstream words(chosen);
  return {std::istream_iterator<std::string>(words), {}};
}

/// The hosts of a hostfile, and those of them that respond at the moment.
class Hosts {
 public:
  explicit Hosts(const std::string& file) : all_(coordinator::read_hostfile(file)), left_(all_) {}

  int find_those_left() {
    left_ = coordinator::answering(all_, remote_agent());
    return coordinator::slots_of(left_).value_or(0);
  }
  std::optional<int> slots() const { return coordinator::slots_of(all_); }
  bool only_this_host() const { return all_.size() == 1 && all_.front().is_this_host(); }
  std::string file() const {
    const fs::path path = folder_.path() / "hosts";
    write_file_atomic(path, coordinator::hostfile_text(left_));
    return path.string();
  }

 private:
  std::vector<coordinator::Host> all_, left_;
  TempFolder folder_;
};

// The environment variables of this process that ranks on other hosts need too, and
// those that the supervisor adds.
std::set<std::string> variables_for_ranks() {
  std::set<std::string> names = {"LODESTONE_GENERATION", "LODESTONE_JOB_TOKEN"};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    for (const char* prefix : {"LODESTONE_", "NCCL_", "OMP_", "GOMP_"})
      if (text.starts_with(prefix)) names.insert(text.substr(0, text.find('=')));
  }
  return names;
}

// Parameters for mpirun and its ranks, unless the user's environment sets them.
std::map<std::string, std::string> mca_parameters(bool one_host) {
  // A host that fails silently is noticed after half a minute instead of eight.
  std::map<std::string, std::string> parameters = {
      {"oob_tcp_keepalive_time", "10"}, {"oob_tcp_keepalive_intvl", "5"}, {"oob_tcp_keepalive_probes", "4"}};
  // Ranks of one host connect in its memory; by default, each would listen on every network for other ranks.
  if (one_host)
    parameters.insert(
        {{"pml", "ob1"}, {"btl", "self,vader"}, {"btl_tcp_if_include", "lo"}, {"oob_tcp_if_include", "lo"}});
  return parameters;
}

bool on_one_host(const Hosts* hosts) {
  return hosts == nullptr || hosts->only_this_host();
}

// The library that keeps mpirun's own port off all networks; "" if it is not beside this program.
std::string loopback_library(const fs::path& program) {
  for (const fs::path& place : {program.parent_path(), program.parent_path() / ".." / LODESTONE_LIBDIR})
    if (path_exists(place / LODESTONE_LOOPBACK)) return (place / LODESTONE_LOOPBACK).string();
  return "";
}

// Why mpirun can't load the library, and what to do; "" if it can. LD_PRELOAD is split at colons and blanks.
std::string loopback_problem(const fs::path& program) {
  const std::string library = loopback_library(program);
  if (library.empty())
    return std::string(LODESTONE_LOOPBACK) + " is missing; copy or link it to " +
           printable(program.parent_path().string());
  if (library.find_first_of(": \t\n") != std::string::npos)
    return "LD_PRELOAD can't hold the path of the program, which has a blank or a colon: " +
           printable(program.string()) + "; move the program";
  return "";
}

std::string preloaded(const std::string& library) {
  const char* others = std::getenv("LD_PRELOAD");
  return others == nullptr || *others == '\0' ? library : library + ":" + others;
}

// A single rank needs no launcher.
coordinator::ChildCommand job_command(const std::string& program, const LaunchArguments& arguments,
                                      const coordinator::Generation& generation, const Hosts* hosts) {
  coordinator::ChildCommand command;
  const bool alone = generation.world == 1 && hosts == nullptr;
  command.logs_errors = !alone;
  if (!alone) {
    command.words = {"mpirun", "-n", std::to_string(generation.world)};
    // A rank's loader threads may use every core, unless the user sets a binding of ranks.
    if (std::getenv("OMPI_MCA_hwloc_base_binding_policy") == nullptr)
      command.words.insert(command.words.end(), {"--bind-to", "none"});
    if (hosts != nullptr) {
      command.words.insert(command.words.end(), {"--hostfile", hosts->file()});
    } else {
      command.words.emplace_back("--oversubscribe");
    }
    const bool one_host = on_one_host(hosts);
    if (one_host && loopback_problem(program).empty())
      command.environment["LD_PRELOAD"] = preloaded(loopback_library(program));
    for (const auto& [name, value] : mca_parameters(one_host))
      if (std::getenv(("OMPI_MCA_" + name).c_str()) == nullptr)
        command.words.insert(command.words.end(), {"--mca", name, value});
    // Passed by name only: values on a command line are visible to every user of the host.
    for (const std::string& name : variables_for_ranks())
      command.words.insert(command.words.end(), {"-x", name});
    if (!one_host)
      for (const std::string& word : run::load_watch()) command.words.push_back(word);
  }
  command.words.push_back(program);
  command.words.insert(command.words.end(), arguments.command.begin(), arguments.command.end());
  return command;
}

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
int ranks_wanted(const LaunchArguments& arguments, const Hosts* hosts) {
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
  std::optional<Hosts> hosts;
  if (!arguments.hostfile.empty()) hosts.emplace(arguments.hostfile);
  const Hosts* hostfile = hosts ? &*hosts : nullptr;
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
  options.command = [&, hostfile](const coordinator::Generation& generation) {
    return job_command(program, arguments, generation, hostfile);
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
  if (const std::string problem = loopback_problem(program);
      under_mpirun && on_one_host(hostfile) && !problem.empty())
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
