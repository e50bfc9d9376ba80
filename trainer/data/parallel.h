#pragma once

#include <cstddef>
#include <functional>

namespace lodestone {

/// Calls work(i) for every i in [0, count) on `threads` threads (0: as many as the host has), each i once and
/// in no fixed order. The first exception ends the work and is thrown here.
void parallel_for(size_t count, int threads, const std::function<void(size_t)>& work);

}  // namespace lodestone
