#pragma once

#include <ATen/Parallel.h>

namespace lodestone::testing {

/// While it lives, ATen uses this many threads in place of the one that tests run with.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) { at::set_num_threads(threads); }
  ~ThreadCount() { at::set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_ = at::get_num_threads();
};

}  // namespace lodestone::testing
