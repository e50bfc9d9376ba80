#pragma once

#include <cstdint>
#include <functional>

namespace lodestone {

/// Calls work(begin, end) on stretches that together are [0, count), at least `grain` long but for the last, on ATen's threads
/// (at::get_num_threads() of them). Within another parallel region it is one call. Rethrows what a call throws.
/// Use this in place of at::parallel_for: that one is a template which, in a source compiled without OpenMP, does all by itself on
/// one thread, without a word.
void parallel_stretches(int64_t count, int64_t grain,
                        const std::function<void(int64_t begin, int64_t end)>& work);

}  // namespace lodestone
