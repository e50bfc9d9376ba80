#include "trainer/coordinator/faults/mpirun_command.h"

#include <cstdlib>
#include <iterator>
#include <set>
#include <sstream>
#include <utility>

#include <unistd.h>

#include "common/paths.h"
#include "common/printable.h"

namespace lodestone::coordinator {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> remote_agent() {
  const char* chosen = std::getenv("OMPI_MCA_plm_rsh_agent");
  if (chosen == nullptr) return {"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"};
  std::istringstream words(chosen);
  return {std::istream_iterator<std::string>(words), {}};
}

// The environment variables of this process that ranks on other hosts need too, and those that the supervisor
// adds.
std::set<std::string> variables_for_ranks() {
  std::set<std::string> names = {"LODESTONE_GENERATION", "LODESTONE_JOB_TOKEN"};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    for (const char* prefix : {"LODESTONE_", "NCCL_", "OMP_", "GOMP_"})
      if (text.starts_with(prefix)) names.insert(text.substr(0, text.find('=')));
  }
  return names;
}

std::string preloaded(const std::string& library) {
  const char* others = std::getenv("LD_PRELOAD");
  return others == nullptr || *others == '\0' ? library : library + ":" + others;
}

void append(std::vector<std::string>& words, std::vector<std::string> more) {
  words.insert(words.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

int Hosts::find_those_left() {
  left_ = answering(all_, remote_agent());
  return slots_of(left_).value_or(0);
}

std::string Hosts::file() const {
  const fs::path path = folder_.path() / "hosts";
  write_file_atomic(path, hostfile_text(left_));
  return path.string();
}

MpirunCommand::MpirunCommand(fs::path program, std::vector<std::string> words, std::vector<std::string> watch,
                             const Hosts* hosts)
    : program_(std::move(program)), words_(std::move(words)), watch_(std::move(watch)), hosts_(hosts) {}

// Parameters for mpirun and its ranks, unless the user's environment sets them.
std::map<std::string, std::string> MpirunCommand::mca_parameters() const {
  // A host that fails silently is noticed after half a minute instead of eight.
  std::map<std::string, std::string> parameters = {
      {"oob_tcp_keepalive_time", "10"}, {"oob_tcp_keepalive_intvl", "5"}, {"oob_tcp_keepalive_probes", "4"}};
  // Ranks of one host connect in its memory; by default, each would listen on every network for other ranks.
  if (on_one_host())
    parameters.insert(
        {{"pml", "ob1"}, {"btl", "self,vader"}, {"btl_tcp_if_include", "lo"}, {"oob_tcp_if_include", "lo"}});
  return parameters;
}

// The library that keeps mpirun's own port off all networks; "" if it is not beside the program.
std::string MpirunCommand::loopback_library() const {
  for (const fs::path& place : {program_.parent_path(), program_.parent_path() / ".." / LODESTONE_LIBDIR})
    if (path_exists(place / LODESTONE_LOOPBACK)) return (place / LODESTONE_LOOPBACK).string();
  return "";
}

// LD_PRELOAD is split at colons and blanks.
std::string MpirunCommand::loopback_problem() const {
  if (!on_one_host()) return "";
  const std::string library = loopback_library();
  if (library.empty())
    return std::string(LODESTONE_LOOPBACK) + " is missing; copy or link it to " +
           printable(program_.parent_path().string());
  if (library.find_first_of(": \t\n") != std::string::npos)
    return "LD_PRELOAD can't hold the path of the program, which has a blank or a colon: " +
           printable(program_.string()) + "; move the program";
  return "";
}

ChildCommand MpirunCommand::of(int world) const {
  ChildCommand command;
  std::vector<std::string>& words = command.words;
  const bool alone = world == 1 && hosts_ == nullptr;
  command.logs_errors = !alone;
  if (!alone) {
    words = {"mpirun", "-n", std::to_string(world)};
    // A rank's loader threads may use every core, unless the user sets a binding of ranks.
    if (std::getenv("OMPI_MCA_hwloc_base_binding_policy") == nullptr) append(words, {"--bind-to", "none"});
    if (hosts_ != nullptr)
      append(words, {"--hostfile", hosts_->file()});
    else
      words.emplace_back("--oversubscribe");
    if (on_one_host() && loopback_problem().empty())
      command.environment["LD_PRELOAD"] = preloaded(loopback_library());
    for (const auto& [name, value] : mca_parameters())
      if (std::getenv(("OMPI_MCA_" + name).c_str()) == nullptr) append(words, {"--mca", name, value});
    // Passed by name only: values on a command line are visible to every user of the host.
    for (const std::string& name : variables_for_ranks()) append(words, {"-x", name});
    if (!on_one_host()) append(words, watch_);
  }
  words.push_back(program_.string());
  append(words, words_);
  return command;
}

}  // namespace lodestone::coordinator
