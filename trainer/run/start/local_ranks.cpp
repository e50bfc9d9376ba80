#include "trainer/run/start/local_ranks.h"

#include <algorithm>
#include <array>

#include "trainer/coordinator/faults/process_table.h"

namespace lodestone::run {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

constexpr milliseconds kLongestPause{1000};    // longest gap between two calls that counts
constexpr milliseconds kForTheLauncher{2000};  // time for the launcher to end the job after a rank has gone

struct Mark {
  std::array<const char*, 2> job;
  const char* rank;
};
constexpr std::array<Mark, 3> kMarks = {{{{"PMIX_NAMESPACE", nullptr}, "PMIX_RANK"},
                                         {{"SLURM_JOB_ID", "SLURM_STEP_ID"}, "SLURM_PROCID"},
                                         {{"TORCHELASTIC_RUN_ID", "MASTER_PORT"}, "RANK"}}};

}  // namespace

LocalRanks::LocalRanks(const distributed::Environment& environment) : looked_at_(Clock::now()) {
  for (const Mark& mark : kMarks) {
    const auto rank = environment(mark.rank);
    if (!rank) continue;
    std::vector<std::string> marks;
    for (const char* name : mark.job)
      if (name != nullptr && environment(name)) marks.push_back(std::string(name) + "=" + *environment(name));
    if (marks.empty()) continue;
    marks_ = marks;
    rank_variable_ = mark.rank;
    own_rank_ = *rank;
    return;
  }
}

void LocalRanks::look() {
  const auto now = Clock::now();
  const auto pause = std::min(std::chrono::duration_cast<milliseconds>(now - looked_at_), kLongestPause);
  looked_at_ = now;
  for (auto& [rank, seen] : seen_) seen.is_stopped = seen.is_there = false;
  for (const coordinator::SeenProcess& process : coordinator::processes_with(marks_)) {
    const std::string rank = process.variable(rank_variable_).value_or(own_rank_);
    const char state = coordinator::state_of(process.pid);
    if (rank == own_rank_ || state == '\0' || state == 'Z') continue;
    Seen& seen = seen_[rank];
    seen.is_there = true;
    seen.is_stopped = seen.is_stopped || state == 'T';
  }
  for (auto& [rank, seen] : seen_) {
    seen.stopped = seen.is_stopped ? seen.stopped + pause : milliseconds(0);
    seen.gone = seen.is_there ? milliseconds(0) : seen.gone + pause;
  }
}

std::string LocalRanks::trouble(milliseconds patience) {
  if (marks_.empty()) return "";
  look();
  for (const auto& [rank, seen] : seen_) {
    if (seen.stopped > patience)
      return "rank " + rank + " is lost: stopped for " + std::to_string(seen.stopped.count()) + " ms";
    if (seen.gone > kForTheLauncher) return "rank " + rank + " is lost: its process has ended";
  }
  return "";
}

}  // namespace lodestone::run
