#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "distributed/rendezvous/launch_info.h"

namespace lodestone {

/// The other ranks of this job on this host, as the table of processes shows them: before ranks have met there is nothing else
/// to tell one that is slow from one that is stopped or gone.
class LocalRanks {
 public:
  /// Nobody is found where the launcher leaves no mark in the environment.
  explicit LocalRanks(const Environment& environment);

  /// To be called again and again: which rank has been stopped for `patience`, or was there and has been gone for a while; ""
  /// while all is well. Time in which nobody asked does not count.
  std::string trouble(std::chrono::milliseconds patience);

 private:
  struct Seen {
    std::chrono::milliseconds stopped{0}, gone{0};
    bool is_stopped = false, is_there = false;
  };
  void look();

  std::vector<std::string> marks_;
  std::string rank_variable_, own_rank_;
  std::map<std::string, Seen> seen_;  // by rank
  std::chrono::steady_clock::time_point looked_at_;
};

}  // namespace lodestone
