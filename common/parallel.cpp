#include "common/parallel.h"

#include <ATen/Parallel.h>

#ifndef INTRA_OP_PARALLEL
#error "compile this source with OpenMP, as LibTorch is"
#endif

namespace lodestone {

void parallel_stretches(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& work) {
  at::parallel_for(0, count, grain, work);
}

}  // namespace lodestone
