#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

namespace lodestone {

/// Tasks of which each works on two stretches of the data. Those that share a stretch run one after the other, in the order in which
/// they were added, the others at the same time: what they leave does not depend on the number of threads, and no thread waits for
/// more than the tasks it must come after.
class OrderedTasks {
 public:
  explicit OrderedTasks(size_t stretches) : added_s_(stretches) {}

  /// Tasks are numbered from 0. The two stretches may be the same.
  void add(size_t one, size_t other);
  size_t size() const { return tasks_.size(); }

  /// Calls work(task, thread) for each task, on at most `threads` threads of ATen's pool. Rethrows what a task throws; those that
  /// have not begun by then are left out.
  void run(size_t threads, const std::function<void(size_t task, size_t thread)>& work) const;

 private:
  struct Task {
    std::array<size_t, 2> stretches;
    std::array<size_t, 2> before;  ///< how many uses of each stretch come first
  };
  std::vector<Task> tasks_;
  std::vector<size_t> added_s_;  ///< uses so far of each stretch
};

}  // namespace lodestone
