#pragma once

#include <string>
#include <vector>

#include "trainer/coordinator/config.h"

namespace lodestone::coordinator {

/// The address at which Prometheus reaches an endpoint of this host, "address:port", with the host's name if
/// it listens on all addresses.
std::string scrape_target(const MetricsConfig& config, int64_t port);

/// Writes the endpoints, in rank order, to config.targets_file in the format of Prometheus' file_sd, with the
/// labels `run` and `rank`, and the scheme if it is https. The file is replaced atomically.
/// Throws    IoError
void write_scrape_targets(const MetricsConfig& config, const std::string& run,
                          const std::vector<std::string>& targets);

}  // namespace lodestone::coordinator
