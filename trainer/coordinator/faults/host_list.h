#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lodestone::coordinator {

/// A host of an Open MPI hostfile, and how many ranks it may run.
struct Host {
  std::string name;              ///< host, or user@host
  std::optional<int> slots;      ///< nullopt: the number of cores that mpirun finds on the host
  std::optional<int> max_slots;  ///< larger than `slots` where mpirun may oversubscribe

  bool is_this_host() const;
};

/// Reads a hostfile as Open MPI 4 does: each line names a host, with `slots=N` (also count, cpu),
/// `max_slots=N` and `username=NAME`, where spaces around = are allowed; #, // and /* */ are comments. The
/// file is read once, so it may be a pipe. A host on two lines has the slots of both. Entries that mpirun
/// would ignore or misread (a word without =, +n0, ^host, a rankfile, an IPv6 address) are refused.
/// Throws    IoError; ConfigError that names the line and a correction
std::vector<Host> read_hostfile(const std::filesystem::path& path);

/// The hosts as the text of a hostfile, for mpirun.
std::string hostfile_text(const std::vector<Host>& hosts);

/// Total number of slots; nullopt if the slots of any host are unknown.
std::optional<int> slots_of(const std::vector<Host>& hosts);

/// The hosts that respond: `agent` (ssh, or the value of OMPI_MCA_plm_rsh_agent) runs `true` on all hosts at
/// the same time and must succeed within ten seconds. This host is included without a test.
std::vector<Host> answering(const std::vector<Host>& hosts, const std::vector<std::string>& agent);

}  // namespace lodestone::coordinator
