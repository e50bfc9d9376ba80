#include "trainer/serve/byte_budget.h"

#include <algorithm>

#include "trainer/serve/batcher.h"

namespace lodestone::serve {

void ByteBudget::Lease::keep(int64_t bytes) {
  if (bytes >= bytes_) return;
  {
    const std::scoped_lock lock(budget_->mutex_);
    budget_->left_ += bytes_ - bytes;
  }
  bytes_ = bytes;
  budget_->turn_.notify_all();
}

ByteBudget::Lease ByteBudget::take(int64_t bytes, std::chrono::steady_clock::time_point deadline) {
  bytes = std::min(bytes, all_);
  std::unique_lock lock(mutex_);
  const auto own = waiting_.insert(waiting_.end(), 0);
  const bool came =
      turn_.wait_until(lock, deadline, [&] { return own == waiting_.begin() && left_ >= bytes; });
  waiting_.erase(own);
  std::optional<Lease> lease;
  if (came) lease.emplace(taken(bytes));
  lock.unlock();
  turn_.notify_all();  // the next waiting thread may fit too
  if (!lease) throw OverloadError("serve: too many images are being decoded; try again later");
  return std::move(*lease);
}

std::optional<ByteBudget::Lease> ByteBudget::try_take(int64_t bytes) {
  bytes = std::min(bytes, all_);
  const std::scoped_lock lock(mutex_);
  if (!waiting_.empty() || left_ < bytes) return std::nullopt;
  return taken(bytes);
}

// Requires the mutex.
ByteBudget::Lease ByteBudget::taken(int64_t bytes) {
  left_ -= bytes;
  least_left_ = std::min(least_left_, left_);
  return {*this, bytes};
}

int64_t ByteBudget::peak() const {
  const std::scoped_lock lock(mutex_);
  return all_ - least_left_;
}

}  // namespace lodestone::serve
