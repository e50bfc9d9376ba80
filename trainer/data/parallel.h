#pragma once

#include <cstddef>
#include <functional>

namespace lodestone::data {

/// Calls work(i) once for every i in [0, count), in no fixed order, on `threads` threads (0: as many as the
/// host has). The first exception stops the work and is rethrown.
void parallel_for(size_t count, int threads, const std::function<void(size_t)>& work);

}  // namespace lodestone::data
