#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "distributed/transport/transport.h"

namespace lodestone::distributed {

/// Carries out the collectives of ranks that are threads of one process. The last rank to arrive computes the
/// result for all ranks, in rank order, so that every rank gets the same bits; the others only wait. Sends
/// and receives are matched in a mailbox. One thread per hub watches the deadlines. Internal to the local
/// backend.
/// Threads   all methods are safe concurrently.
class Hub : public std::enable_shared_from_this<Hub> {
 public:
  Hub(std::string id, std::vector<Members> members, std::shared_ptr<Hub> parent)
      : id_(std::move(id)),
        members_(std::move(members)),
        parent_(std::move(parent)),
        next_call_(members_.size(), 0) {
    watch_ = std::thread([this] { watch(); });
  }

  ~Hub() {
    {
      std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    watch_.join();
  }

  /// The rank at position `rank` enters its next collective.
  void enter(int rank, Call call);
  /// The rank at position `rank` sends or receives.
  void post(int rank, Call call);
  void abort_calls(const std::string& why);
  std::shared_ptr<Hub> subgroup(const Members& members, const std::vector<int>& positions);

 private:
  struct Collective {
    std::vector<std::optional<Call>> calls;
    size_t arrived = 0;
    uint64_t number = 0;
    Clock::time_point deadline;
  };
  struct Mail {
    std::deque<Call> sends, receives;
  };
  struct Child {  // owned here until every member has claimed it
    std::shared_ptr<Hub> hub;
    size_t taken = 0;
  };

  void watch();
  std::optional<Clock::time_point> next_deadline() const;
  std::string who_is_late(Clock::time_point now) const;
  std::string mismatch(const Collective& collective, int rank, const Call& call) const;
  int world_rank(size_t position) const { return members_[position].world_ranks[position]; }

  const std::string id_;
  const std::vector<Members> members_;  // as seen by each rank
  const std::shared_ptr<Hub> parent_;
  std::mutex mutex_;  // guards the members below
  std::condition_variable changed_;
  bool stopping_ = false;
  std::string aborted_;
  std::vector<uint64_t> next_call_;
  std::map<uint64_t, Collective> collectives_;
  std::map<std::pair<int, int>, Mail> mail_;  // by (source, destination)
  std::map<std::string, Child> unclaimed_;
  std::vector<std::weak_ptr<Hub>> children_;
  std::thread watch_;
};

}  // namespace lodestone::distributed
