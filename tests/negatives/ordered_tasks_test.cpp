#include "trainer/negatives/tiles/ordered_tasks.h"

#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "common/rng.h"
#include "support/thread_count.h"

namespace lodestone::testing {
using namespace negatives;
namespace {

constexpr size_t kThreads = 3;

using Pairs = std::vector<std::pair<size_t, size_t>>;

Pairs random_pairs(uint64_t seed, size_t ranges) {
  Pairs pairs;
  Random random(seed, Purpose::kTrials);
  for (int i = 0; i < 2000; ++i) {
    const size_t one = random.below(ranges);
    pairs.emplace_back(one, random.below(ranges));
  }
  return pairs;
}

OrderedTasks tasks_of(const Pairs& pairs, size_t ranges) {
  OrderedTasks tasks(ranges);
  for (const auto& [one, other] : pairs) tasks.add(one, other);
  return tasks;
}

// Stretches are written without a lock: two tasks of one stretch at the same time would lose or disorder
// entries.
std::vector<std::vector<size_t>> order_seen(const Pairs& pairs, size_t ranges, size_t threads) {
  std::vector<std::vector<size_t>> seen(ranges);
  tasks_of(pairs, ranges).run(threads, [&](size_t task, size_t) {
    seen[pairs[task].first].push_back(task);
    if (pairs[task].second != pairs[task].first) seen[pairs[task].second].push_back(task);
  });
  return seen;
}

TEST(OrderedTasks, EachStretchSeesItsTasksInTheOrderTheyWereAddedOnAnyThreads) {
  const ThreadCount count(kThreads);
  for (const size_t ranges : {1, 2, 3, 16, 200}) {
    const Pairs pairs = random_pairs(ranges, ranges);
    const auto expected = order_seen(pairs, ranges, 1);
    for (int repeat = 0; repeat < 5; ++repeat)
      EXPECT_EQ(order_seen(pairs, ranges, kThreads), expected) << ranges;
  }
}

TEST(OrderedTasks, WhatATaskThrowsEndsTheRun) {
  const ThreadCount count(kThreads);
  const Pairs pairs = random_pairs(7, 3);
  const OrderedTasks tasks = tasks_of(pairs, 3);
  for (const size_t at : {size_t{0}, pairs.size() / 2, pairs.size() - 1}) {
    EXPECT_THROW(tasks.run(kThreads,
                           [&](size_t task, size_t) {
                             if (task == at) throw std::runtime_error("this one");
                           }),
                 std::runtime_error);
  }
}

TEST(OrderedTasks, NothingToDoIsFine) {
  const ThreadCount count(kThreads);
  OrderedTasks(0).run(kThreads, [](size_t, size_t) { FAIL(); });
}

}  // namespace
}  // namespace lodestone::testing
