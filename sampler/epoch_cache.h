#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>

namespace lodestone::sampler {

/// Caches the plans of two neighbouring epochs: near an epoch's end, prefetching threads need both.
/// Threads   safe concurrently; one thread makes a plan while the others wait for it.
template <typename Plan>
class EpochCache {
 public:
  template <typename Make>
  std::shared_ptr<const Plan> get(int64_t epoch, const Make& make) const {
    std::scoped_lock lock(mutex_);
    Entry& entry = entries_[static_cast<size_t>(epoch) % entries_.size()];
    if (!entry.plan || entry.epoch != epoch) entry = {epoch, std::make_shared<const Plan>(make(epoch))};
    return entry.plan;
  }

 private:
  struct Entry {
    int64_t epoch = -1;
    std::shared_ptr<const Plan> plan;
  };
  mutable std::mutex mutex_;
  mutable std::array<Entry, 2> entries_;
};

}  // namespace lodestone::sampler
