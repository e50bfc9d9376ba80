#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "trainer/eval/neighbours.h"

namespace lodestone::eval {

/// Keeps the best `depth` of the neighbours offered so far. It buffers half as many more between clean-ups,
/// so that an offer costs O(1) amortised for any depth, and bar() lags little behind.
/// Threads   one caller
class Shortlist {
 public:
  explicit Shortlist(int64_t depth) : depth_(static_cast<size_t>(std::max<int64_t>(depth, 0))) {
    if (depth_ == 0) bar_ = std::numeric_limits<double>::infinity();
  }

  /// The greatest memory of a list of that depth.
  static int64_t bytes(int64_t depth) {
    return depth > 0 ? most(depth) * static_cast<int64_t>(sizeof(Neighbour)) : 0;
  }

  /// A score below this cannot enter.
  double bar() const { return bar_; }

  void offer(const Neighbour& neighbour) {
    items_.push_back(neighbour);
    if (static_cast<int64_t>(items_.size()) >= most(static_cast<int64_t>(depth_))) shrink();
  }

  /// Best first.
  const std::vector<Neighbour>& finish() {
    shrink();
    std::sort(items_.begin(), items_.end(), ranks_before);
    return items_;
  }

 private:
  static int64_t most(int64_t depth) { return depth + depth / 2 + 8; }

  void shrink() {
    if (items_.size() <= depth_) return;
    const auto last = items_.begin() + static_cast<std::ptrdiff_t>(depth_) - 1;
    std::nth_element(items_.begin(), last, items_.end(), ranks_before);
    bar_ = last->score;
    items_.resize(depth_);
  }

  size_t depth_;
  double bar_ = -std::numeric_limits<double>::infinity();
  std::vector<Neighbour> items_;
};

}  // namespace lodestone::eval
