#include "common/parallel.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "support/thread_count.h"

namespace lodestone::testing {
namespace {

// Two calls that wait for each other: on one thread they would wait for ever.
TEST(ParallelRanges, CallsRunAtTheSameTime) {
  const ThreadCount threads(2);
  std::mutex mutex;
  std::condition_variable all;
  int arrived = 0, met = 0;
  parallel_ranges(2, 1, [&](int64_t, int64_t) {
    std::unique_lock lock(mutex);
    ++arrived;
    all.notify_all();
    met += all.wait_for(lock, std::chrono::seconds(20), [&] { return arrived == 2; });
  });
  EXPECT_EQ(met, 2);
}

TEST(ParallelRanges, TogetherTheyAreTheWholeOnce) {
  const ThreadCount threads(2);
  for (const int64_t count : {0, 1, 7, 1000}) {
    std::vector<int> seen(static_cast<size_t>(count), 0);
    parallel_ranges(count, 3, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
    });
    EXPECT_EQ(seen, std::vector<int>(static_cast<size_t>(count), 1));
  }
}

TEST(ParallelRanges, WhatACallThrowsIsThrown) {
  const ThreadCount threads(2);
  EXPECT_THROW(parallel_ranges(2, 1, [](int64_t, int64_t) { throw std::runtime_error("here"); }),
               std::runtime_error);
}

}  // namespace
}  // namespace lodestone::testing
