#pragma once

#include <memory>

namespace prometheus {
class Registry;
}

namespace lodestone::http {

/// Resource usage of this process, under the metric names of Prometheus' own clients:
/// process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes, process_open_fds,
/// process_max_fds, process_start_time_seconds.
/// Threads   safe concurrently
class ProcessMetrics {
 public:
  /// Requires  `registry` outlives this object
  explicit ProcessMetrics(prometheus::Registry& registry);
  ~ProcessMetrics();

  /// Updates the metrics. A value that /proc does not provide is NaN.
  void update();

 private:
  struct Series;
  std::unique_ptr<Series> series_;
};

}  // namespace lodestone::http
