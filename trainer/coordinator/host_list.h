#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lodestone {

/// A line of an Open MPI hostfile: a host and how many ranks it may run.
struct Host {
  std::string name;
  int slots = 1;
};

/// Reads "name [slots=N]" lines; # begins a comment. A host named twice has the slots of both lines.
/// Throws IoError; ConfigError naming the line.
std::vector<Host> read_hostfile(const std::filesystem::path& path);

/// The same as text, for mpirun.
std::string hostfile_text(const std::vector<Host>& hosts);

/// Ranks that fit on them.
int slots_of(const std::vector<Host>& hosts);

/// Those that answer: `agent` (ssh, or what OMPI_MCA_plm_rsh_agent names) runs `true` there within ten seconds, all hosts
/// at a time. This host is not asked.
std::vector<Host> answering(const std::vector<Host>& hosts, const std::vector<std::string>& agent);

}  // namespace lodestone
