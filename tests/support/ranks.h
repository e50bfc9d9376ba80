#pragma once

#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "distributed/group.h"

namespace lodestone::testing {
using namespace distributed;

/// Runs `body` once per rank, each on its own thread, over local groups, and waits for all. The first error
/// of a rank aborts the others' collectives and is rethrown here.
inline void run_ranks(int world, const GroupOptions& options, const std::function<void(const Group&)>& body) {
  const std::vector<Group> groups = local_groups(world, options);
  std::mutex mutex;
  std::exception_ptr first;
  std::vector<std::thread> threads;
  for (const Group& group : groups) {
    threads.emplace_back([&, group] {
      try {
        body(group);
      } catch (const std::exception& error) {
        {
          std::scoped_lock lock(mutex);
          if (!first) first = std::current_exception();
        }
        group.abort(std::string("rank ") + std::to_string(group.rank()) + " threw: " + error.what());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (first) std::rethrow_exception(first);
}

/// The same with a timeout of 30 s, so that a diverging rank fails its test instead of hanging it.
inline void run_ranks(int world, const std::function<void(const Group&)>& body) {
  GroupOptions options;
  options.timeout = std::chrono::seconds(30);
  run_ranks(world, options, body);
}

}  // namespace lodestone::testing
