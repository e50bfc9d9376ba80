#pragma once

#include <cstdint>
#include <functional>

namespace lodestone {

/// Calls work(begin, end) for intervals that together cover [0, count), on ATen's threads
/// (at::get_num_threads() of them). Each interval except the last has at least `grain` elements. Within
/// another parallel region it is a single call. Rethrows what a call throws.
/// Use it instead of at::parallel_for, a template that, in a source compiled without OpenMP, silently does
/// all the work on one thread.
void parallel_ranges(int64_t count, int64_t grain,
                     const std::function<void(int64_t begin, int64_t end)>& work);

}  // namespace lodestone
