#include "trainer/negatives/tiles/ordered_tasks.h"

#include <atomic>
#include <thread>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include "common/parallel.h"

namespace lodestone::negatives {

void OrderedTasks::add(size_t one, size_t other) {
  tasks_.push_back({{one, other}, {added_s_[one], added_s_[other]}});
  ++added_s_[one];
  ++added_s_[other];
}

void OrderedTasks::run(size_t threads, const std::function<void(size_t, size_t)>& work) const {
  if (threads == 1 || tasks_.size() < 2) {
    for (size_t i = 0; i < tasks_.size(); ++i) work(i, 0);
    return;
  }
  std::vector<std::atomic<size_t>> done_s(added_s_.size());
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  // Tasks are taken in order, so a task that is waited for is running or waits for an earlier one: no
  // deadlock.
  const auto ready = [&](const Task& task) {
    for (size_t k = 0; k < 2; ++k)
      while (done_s[task.ranges[k]].load(std::memory_order_acquire) < task.before[k]) {
        if (failed) return false;
        std::this_thread::yield();
      }
    return !failed;
  };
  parallel_ranges(static_cast<int64_t>(threads), 1, [&](int64_t, int64_t) {
    const at::NoGradGuard no_grad;
    for (size_t i = next++; i < tasks_.size() && ready(tasks_[i]); i = next++) {
      try {
        work(i, static_cast<size_t>(at::get_thread_num()));
      } catch (...) {
        failed = true;
        throw;
      }
      for (const size_t s : tasks_[i].ranges) done_s[s].fetch_add(1, std::memory_order_release);
    }
  });
}

}  // namespace lodestone::negatives
