#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include <unistd.h>

#include "common/files.h"
#include "common/log.h"
#include "trainer/commands/command.h"
#include "trainer/commands/run_config.h"
#include "trainer/coordinator/checkpoint.h"
#include "trainer/coordinator/checkpoint_files.h"
#include "trainer/coordinator/host_list.h"
#include "trainer/coordinator/run_folder.h"
#include "trainer/coordinator/supervisor.h"

namespace lodestone {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> remote_agent() {
  const char* chosen = std::getenv("OMPI_MCA_plm_rsh_agent");
  if (chosen == nullptr) return {"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"};
  std::istringstream words(chosen);
  return {std::istream_iterator<std::string>(words), {}};
}

/// The hosts of a hostfile, and those of them that can be reached at the moment.
class Hosts {
 public:
  explicit Hosts(const std::string& file) : all_(read_hostfile(file)), left_(all_) {}

  int find_those_left() {
    left_ = answering(all_, remote_agent());
    return slots_of(left_);
  }
  int slots() const { return slots_of(all_); }
  std::string file() const {
    const fs::path path = folder_.path() / "hosts";
    write_file_atomic(path, hostfile_text(left_));
    return path.string();
  }

 private:
  std::vector<Host> all_, left_;
  TempFolder folder_;
};

// Threads of a rank that wait for one another spin for some milliseconds unless told otherwise, which takes the core from whoever they
// wait for where cores are shared. For under one is as fast where they aren't.
void spin_briefly() {
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) ::setenv("GOMP_SPINCOUNT", "10000", /*overwrite=*/0);
}

// What of this process's environment ranks on other hosts are to have too, and what the supervisor adds for them.
std::set<std::string> variables_for_ranks() {
  std::set<std::string> names = {"LODESTONE_GENERATION", "LODESTONE_JOB_TOKEN"};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    for (const char* prefix : {"LODESTONE_", "NCCL_", "OMP_", "GOMP_"})
      if (text.starts_with(prefix)) names.insert(text.substr(0, text.find('=')));
  }
  return names;
}

// One rank needs no launcher.
ChildCommand job_command(const std::string& program, const LaunchArguments& arguments,
                         const Generation& generation, const Hosts* hosts) {
  ChildCommand command;
  const bool alone = generation.world == 1 && hosts == nullptr;
  if (!alone) {
    command.words = {"mpirun", "-n", std::to_string(generation.world)};
    // A rank's loader threads may use every core, unless the user says what ranks are bound to.
    if (std::getenv("OMPI_MCA_hwloc_base_binding_policy") == nullptr)
      command.words.insert(command.words.end(), {"--bind-to", "none"});
    if (hosts != nullptr) {
      command.words.insert(command.words.end(), {"--hostfile", hosts->file()});
    } else {
      command.words.emplace_back("--oversubscribe");
    }
    // A host that is gone without a word is noticed after half a minute, not after eight.
    for (const char* setting :
         {"oob_tcp_keepalive_time 10", "oob_tcp_keepalive_intvl 5", "oob_tcp_keepalive_probes 4"}) {
      const std::string text = setting;
      const size_t space = text.find(' ');
      command.words.insert(command.words.end(), {"--mca", text.substr(0, space), text.substr(space + 1)});
    }
    // By name only: their values don't belong on a command line, which everybody on the host can read.
    for (const std::string& name : variables_for_ranks())
      command.words.insert(command.words.end(), {"-x", name});
  }
  command.words.push_back(program);
  command.words.insert(command.words.end(), arguments.command.begin(), arguments.command.end());
  return command;
}

std::optional<int64_t> newest_step(const RunFolder& folder) {
  std::optional<int64_t> newest;
  for (const auto& path : list_checkpoints(folder.checkpoints())) {
    const int64_t step = step_of(path.filename().string());
    if (!newest || step > *newest) newest = step;
  }
  return newest;
}

}  // namespace

int run_launch(const LaunchArguments& arguments) {
  spin_briefly();
  std::optional<Hosts> hosts;
  if (!arguments.hostfile.empty()) hosts.emplace(arguments.hostfile);
  if (hosts && hosts->slots() < arguments.ranks)
    throw ConfigError("launch: expected slots for " + std::to_string(arguments.ranks) + " ranks in " +
                      arguments.hostfile + ", got " + std::to_string(hosts->slots()) +
                      "; write slots=N behind each host's name");
  if (arguments.min_ranks.value_or(1) > arguments.ranks)
    throw ConfigError("launch: expected --min-ranks to be at most -n " + std::to_string(arguments.ranks) +
                      ", got " + std::to_string(*arguments.min_ranks));
  SupervisorOptions options;
  options.world = arguments.ranks;
  options.min_world = arguments.min_ranks.value_or(arguments.ranks);
  options.max_restarts = arguments.max_restarts;
  const Hosts* hostfile = hosts ? &*hosts : nullptr;
  options.stop_signal = arguments.ranks > 1 || hosts ? SIGUSR1 : 0;
  options.rank_variable = "OMPI_COMM_WORLD_RANK=";
  // Asked once: it has another name when the file is replaced while the job runs.
  const std::string program = fs::read_symlink("/proc/self/exe").string();
  options.command = [&, hostfile](const Generation& generation) {
    return job_command(program, arguments, generation, hostfile);
  };
  if (hosts) options.ranks_left = [&hosts] { return hosts->find_those_left(); };
  if (arguments.train) {
    RunConfig config;  // what is wrong with it is said here, once, before anything is started
    load_run_config(arguments.train->config, arguments.train->assignments, config);
    options.newest_checkpoint = [folder = RunFolder(config.run_dir)] { return newest_step(folder); };
  }
  return Supervisor(std::move(options), make_log(0, 1)).run();
}

}  // namespace lodestone
