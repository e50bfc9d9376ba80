#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

namespace lodestone::negatives {

/// Runs tasks, each of which works on two ranges of the data. Tasks that share a range run one after the
/// other, in the order in which they were added, the others at the same time: the result does not depend on
/// the number of threads, and a thread waits only for the tasks that must come before its own.
class OrderedTasks {
 public:
  explicit OrderedTasks(size_t ranges) : added_s_(ranges) {}

  /// Adds a task; tasks are numbered from 0. The two ranges may be the same.
  void add(size_t one, size_t other);
  size_t size() const { return tasks_.size(); }

  /// Calls work(task, thread) for each task, on at most `threads` threads of ATen's pool. Rethrows what a
  /// task throws; tasks that have not begun by then are skipped.
  void run(size_t threads, const std::function<void(size_t task, size_t thread)>& work) const;

 private:
  struct Task {
    std::array<size_t, 2> ranges;
    std::array<size_t, 2> before;  ///< number of earlier uses of each range
  };
  std::vector<Task> tasks_;
  std::vector<size_t> added_s_;  ///< number of uses of each range so far
};

}  // namespace lodestone::negatives
