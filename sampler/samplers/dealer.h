#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/rng.h"

namespace lodestone::sampler {

/// Draws the numbers 0..n-1 without replacement from an endless sequence of shuffled decks: each number is
/// drawn once before any is drawn again. Numbers that were passed over stay first in line.
/// Cost      O(1) per number drawn or passed over; memory O(n).
class Dealer {
 public:
  Dealer(int64_t n, Random random) : n_(n), random_(random) {}

  /// Draws up to `count` numbers that accept(number) allows, in line order. Stops early once a whole new deck
  /// has been offered without filling `count`. `accept` is called once per offered number and may keep state.
  template <typename Accept>
  std::vector<int64_t> deal(int64_t count, Accept accept) {
    std::vector<int64_t> dealt;
    std::vector<int64_t> passed_over;
    size_t next = front_;
    for (bool refilled = false; static_cast<int64_t>(dealt.size()) < count;) {
      if (next == line_.size()) {
        if (refilled) break;
        refilled = true;
        add_deck(next);
      }
      const int64_t number = line_[next++];
      if (accept(number))
        dealt.push_back(number);
      else
        passed_over.push_back(number);
    }
    front_ = next - passed_over.size();
    std::copy(passed_over.begin(), passed_over.end(), line_.begin() + static_cast<std::ptrdiff_t>(front_));
    return dealt;
  }

 private:
  // Erases the numbers before front_, which are drawn already, and appends a deck. The caller's `next` moves
  // with the rest.
  void add_deck(size_t& next) {
    line_.erase(line_.begin(), line_.begin() + static_cast<std::ptrdiff_t>(front_));
    next -= front_;
    front_ = 0;
    for (int64_t number : random_.permutation(n_)) line_.push_back(number);
  }

  int64_t n_;
  Random random_;
  std::vector<int64_t> line_;
  size_t front_ = 0;
};

}  // namespace lodestone::sampler
