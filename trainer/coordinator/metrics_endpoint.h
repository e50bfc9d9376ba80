#pragma once

#include <memory>

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include "trainer/coordinator/config.h"

namespace lodestone {

/// The web server that answers /metrics with what `shown` collects. Not for other folders.
class MetricsEndpoint {
 public:
  /// Requires a port in `config`. Throws ConfigError if the address isn't one or can't be served at.
  MetricsEndpoint(const MetricsConfig& config, const std::shared_ptr<prometheus::Collectable>& shown);
  ~MetricsEndpoint();
  MetricsEndpoint(const MetricsEndpoint&) = delete;
  MetricsEndpoint& operator=(const MetricsEndpoint&) = delete;

  int port() const { return exposer_->GetListeningPorts().front(); }

 private:
  MetricsConfig config_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace lodestone
