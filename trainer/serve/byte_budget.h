#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

namespace lodestone::serve {

/// A number of bytes shared by several threads. Waiting threads get bytes in the order of arrival, so that
/// small requests cannot starve a large one.
/// Requires  it outlives its leases
/// Threads   safe concurrently
class ByteBudget {
 public:
  explicit ByteBudget(int64_t bytes) : all_(bytes), left_(bytes) {}

  /// Bytes taken from the budget; the destructor returns them.
  class Lease {
   public:
    Lease(Lease&& other) noexcept : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() { keep(0); }
    /// Returns all but `bytes` to the budget.
    void keep(int64_t bytes);

   private:
    friend class ByteBudget;
    Lease(ByteBudget& budget, int64_t bytes) : budget_(&budget), bytes_(bytes) {}
    ByteBudget* budget_;
    int64_t bytes_;
  };

  /// Waits for `bytes`, or for the whole budget if it is smaller.
  /// Throws    OverloadError if they are not available before `deadline`
  Lease take(int64_t bytes, std::chrono::steady_clock::time_point deadline);

  /// The same without waiting; unset: they are not available, or others wait for theirs.
  std::optional<Lease> try_take(int64_t bytes);

  /// Largest number of bytes leased at the same time.
  int64_t peak() const;

 private:
  Lease taken(int64_t bytes);

  const int64_t all_;
  mutable std::mutex mutex_;
  std::condition_variable turn_;
  std::list<char> waiting_;  ///< one node for each waiting thread, in order
  int64_t left_, least_left_ = left_;
};

}  // namespace lodestone::serve
