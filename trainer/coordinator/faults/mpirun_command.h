#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/files.h"
#include "trainer/coordinator/faults/child_process.h"
#include "trainer/coordinator/faults/host_list.h"

namespace lodestone::coordinator {

/// The hosts of a hostfile, and those of them that respond at the moment.
class Hosts {
 public:
  /// Throws    as read_hostfile
  explicit Hosts(const std::string& file) : all_(read_hostfile(file)), left_(all_) {}

  /// Tests which hosts respond and returns the number of their slots.
  /// Cost      up to ten seconds
  int find_those_left();
  std::optional<int> slots() const { return slots_of(all_); }
  bool only_this_host() const { return all_.size() == 1 && all_.front().is_this_host(); }
  /// Writes a hostfile of the hosts that respond, and returns its path.
  std::string file() const;

 private:
  std::vector<Host> all_, left_;
  TempFolder folder_;
};

/// Makes the command that starts the ranks of a job: mpirun with what a job of Lodestone needs, or the
/// program itself for one rank without a hostfile, which needs no launcher.
class MpirunCommand {
 public:
  /// `words` are the program's verb and options; `watch` precedes the program if there are other hosts;
  /// `hosts` is null without a hostfile.
  /// Requires  `hosts` outlives this object
  MpirunCommand(std::filesystem::path program, std::vector<std::string> words, std::vector<std::string> watch,
                const Hosts* hosts);

  /// The command for this number of ranks, on the hosts that respond.
  ChildCommand of(int world) const;
  /// Why mpirun's own port would be open on every network although all ranks are on this host, and what to
  /// do; "" if it is not, or if there are other hosts.
  std::string loopback_problem() const;

 private:
  bool on_one_host() const { return hosts_ == nullptr || hosts_->only_this_host(); }
  std::string loopback_library() const;
  std::map<std::string, std::string> mca_parameters() const;

  std::filesystem::path program_;
  std::vector<std::string> words_, watch_;
  const Hosts* hosts_;
};

}  // namespace lodestone::coordinator
