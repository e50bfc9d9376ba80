#include "common/parallel.h"

#include <atomic>

#include <ATen/Parallel.h>

#ifndef INTRA_OP_PARALLEL
#error "compile this source with OpenMP, as LibTorch is"
#endif

namespace lodestone {

void parallel_stretches(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& work) {
  // Forks and joins of OpenMP's library are hidden from ThreadSanitizer; these two numbers show them.
  std::atomic<int> begun = 1, ended = 0;
  at::parallel_for(0, count, grain, [&](int64_t begin, int64_t end) {
    begun.load(std::memory_order_acquire);
    work(begin, end);
    ended.fetch_add(1, std::memory_order_release);
  });
  ended.load(std::memory_order_acquire);
}

}  // namespace lodestone
