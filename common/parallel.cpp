#include "common/parallel.h"

#include <ATen/Parallel.h>

#ifndef INTRA_OP_PARALLEL
#error "compile this source with OpenMP, as LibTorch is"
#endif

#ifdef __SANITIZE_THREAD__
#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include <omp.h>
#endif

namespace lodestone {

#ifndef __SANITIZE_THREAD__

void parallel_ranges(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& work) {
  at::parallel_for(0, count, grain, work);
}

#else

// ThreadSanitizer does not see where OpenMP begins and ends a region. It sees these threads, and so checks
// the work done on them.
void parallel_ranges(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& work) {
  thread_local bool inside = false;
  if (count <= 0) return;
  const int64_t most = std::max<int64_t>(1, count / std::max<int64_t>(grain, 1)),
                threads = inside ? 1 : std::min<int64_t>(at::get_num_threads(), most),
                range = (count + threads - 1) / threads;
  if (threads == 1) {
    work(0, count);
    return;
  }
  std::mutex mutex;
  std::exception_ptr first;
  std::vector<std::thread> running;
  for (int64_t t = 0; t * range < count; ++t) {
    running.emplace_back([&, t] {
      inside = true;
      at::get_num_threads();   // takes ATen's setting over for this thread, once;
      omp_set_num_threads(1);  // within a region ATen adds no threads
      const at::internal::ThreadIdGuard number(static_cast<int>(t));
      try {
        work(t * range, std::min((t + 1) * range, count));
      } catch (...) {
        const std::scoped_lock lock(mutex);
        if (!first) first = std::current_exception();
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  if (first) std::rethrow_exception(first);
}

#endif

}  // namespace lodestone
