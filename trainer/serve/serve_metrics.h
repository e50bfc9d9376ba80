#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace lodestone::serve {

/// The metrics that /metrics of the service returns, in Prometheus' text format:
/// lodestone_serve_requests_total{path, status}, lodestone_serve_request_seconds{path},
/// lodestone_serve_batch_rows, lodestone_serve_waiting_rows, and those of ProcessMetrics.
/// Threads   safe concurrently
class ServeMetrics {
 public:
  /// `waiting` returns the number of rows that wait for a forward pass.
  explicit ServeMetrics(std::function<int64_t()> waiting);
  ~ServeMetrics();

  void answered(const std::string& path, int status, double seconds);
  void embedded(int64_t rows);
  std::string text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lodestone::serve
