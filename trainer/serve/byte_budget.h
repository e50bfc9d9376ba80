#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <utility>

namespace lodestone {

/// Bytes that several threads share out among themselves. Who waits for some gets them in the order of coming, so that a large request
/// is not overtaken by small ones for ever.
/// Threads   safe concurrently; it outlives its leases
class ByteBudget {
 public:
  explicit ByteBudget(int64_t bytes) : all_(bytes), left_(bytes) {}

  /// What somebody has of it, until it goes.
  class Lease {
   public:
    Lease(Lease&& other) noexcept : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() { keep(0); }
    /// Gives back all but `bytes`.
    void keep(int64_t bytes);

   private:
    friend class ByteBudget;
    Lease(ByteBudget& budget, int64_t bytes) : budget_(&budget), bytes_(bytes) {}
    ByteBudget* budget_;
    int64_t bytes_;
  };

  /// Waits for `bytes`, or for all there are if that is less. Throws OverloadError if the turn doesn't come before `deadline`.
  Lease take(int64_t bytes, std::chrono::steady_clock::time_point deadline);

  /// Most that were leased at once.
  int64_t peak() const;

 private:
  const int64_t all_;
  mutable std::mutex mutex_;
  std::condition_variable turn_;
  std::list<char> waiting_;  // a node for each that waits, in order
  int64_t left_, least_left_ = left_;
};

}  // namespace lodestone
