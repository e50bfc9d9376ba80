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
  if (came) {
    left_ -= bytes;
    least_left_ = std::min(least_left_, left_);
  }
  lock.unlock();
  turn_.notify_all();  // the next waiting thread may fit too
  if (!came) throw OverloadError("serve: too many images are being decoded; try again later");
  return {*this, bytes};
}

int64_t ByteBudget::peak() const {
  const std::scoped_lock lock(mutex_);
  return all_ - least_left_;
}

}  // namespace lodestone::serve
