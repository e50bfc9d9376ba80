#pragma once

#include <memory>

namespace prometheus {
class Registry;
}

namespace lodestone {

/// What this process takes of its host, under the names that Prometheus' own clients use: process_cpu_seconds_total,
/// process_resident_memory_bytes, process_virtual_memory_bytes, process_open_fds, process_max_fds, process_start_time_seconds.
/// Threads   safe concurrently
class ProcessMetrics {
 public:
  /// `registry` outlives it.
  explicit ProcessMetrics(prometheus::Registry& registry);
  ~ProcessMetrics();

  /// Takes the figures of now. What /proc does not tell is NaN.
  void look();

 private:
  struct Series;
  std::unique_ptr<Series> series_;
};

}  // namespace lodestone
