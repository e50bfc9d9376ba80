#pragma once

#include <string>
#include <vector>

#include "trainer/coordinator/config.h"

namespace lodestone {

/// How Prometheus reaches an endpoint of this host: "address:port", with the host's name where it listens at all
/// addresses.
std::string scrape_target(const MetricsConfig& config, int64_t port);

/// Writes the endpoints, in rank order, to config.targets_file in the form of Prometheus' file_sd, with the labels `run` and
/// `rank`, and the scheme where it is https, in one atomic step. Throws IoError.
void write_scrape_targets(const MetricsConfig& config, const std::string& run,
                          const std::vector<std::string>& targets);

}  // namespace lodestone
