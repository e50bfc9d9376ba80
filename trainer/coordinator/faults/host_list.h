#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lodestone {

/// A host of an Open MPI hostfile and how many ranks it may run.
struct Host {
  std::string name;              ///< host, or user@host
  std::optional<int> slots;      ///< none: as many as mpirun finds cores there
  std::optional<int> max_slots;  ///< more than `slots` where mpirun may oversubscribe

  bool is_this_host() const;
};

/// Reads a hostfile as Open MPI 4 does: a line is a host and `slots=N` (count, cpu), `max_slots=N`, `username=NAME`, with spaces
/// around = or without; #, // and /* */ are comments. A pipe will do, since it is read once. A host named twice has the slots of
/// both lines. What mpirun passes over or takes for something else than it looks (a word without =, +n0, ^host, a rankfile,
/// an IPv6 address) is refused.
/// Throws IoError; ConfigError naming the line and what to write.
std::vector<Host> read_hostfile(const std::filesystem::path& path);

/// The same as text, for mpirun.
std::string hostfile_text(const std::vector<Host>& hosts);

/// Ranks that fit on them; none where a host's slots are not told.
std::optional<int> slots_of(const std::vector<Host>& hosts);

/// Those that answer: `agent` (ssh, or what OMPI_MCA_plm_rsh_agent names) runs `true` there within ten seconds, all hosts
/// at a time. This host is not asked.
std::vector<Host> answering(const std::vector<Host>& hosts, const std::vector<std::string>& agent);

}  // namespace lodestone
