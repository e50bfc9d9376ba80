#pragma once

#include <cstdint>

namespace lodestone::distributed {

/// Calls of one operation and payload bytes that this rank sent for them, counted as in the bandwidth-optimal
/// algorithm.
struct CallTraffic {
  int64_t calls = 0;
  int64_t bytes = 0;
};

/// The traffic of a group so far, per operation. gradient_sync is GradientSync's share.
struct Traffic {
  CallTraffic all_reduce, all_gather, reduce_scatter, broadcast, send_recv, barrier, gradient_sync;

  int64_t calls() const;
  int64_t bytes() const;
};

}  // namespace lodestone::distributed
