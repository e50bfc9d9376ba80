#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "distributed/rendezvous/launch_info.h"

namespace lodestone::run {

/// The other ranks of this job on this host, as the process table shows them. Before ranks are connected,
/// nothing else distinguishes a slow rank from one that is stopped or has died.
class LocalRanks {
 public:
  /// Finds no ranks if the launcher sets no variable that identifies the job.
  explicit LocalRanks(const distributed::Environment& environment);

  /// Call repeatedly: describes a rank that has been stopped for `patience`, or that was present and has been
  /// gone for two seconds; "" if there is none. Long gaps between calls count as one second.
  std::string trouble(std::chrono::milliseconds patience);

 private:
  struct Seen {
    std::chrono::milliseconds stopped{0}, gone{0};
    bool is_stopped = false, is_there = false;
  };
  void look();

  std::vector<std::string> marks_;
  std::string rank_variable_, own_rank_;
  std::map<std::string, Seen> seen_;  ///< by rank
  std::chrono::steady_clock::time_point looked_at_;
};

}  // namespace lodestone::run
