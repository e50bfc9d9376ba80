#include "trainer/coordinator/metrics/scrape_targets.h"

#include <array>
#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "common/files.h"
#include "common/json_text.h"

namespace lodestone::coordinator {

std::string scrape_target(const MetricsConfig& config, int64_t port) {
  std::string host = config.address;
  std::array<char, 256> name{};
  const bool anywhere = host == "0.0.0.0" || host == "::";
  if (anywhere && ::gethostname(name.data(), name.size() - 1) == 0) host = name.data();
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return host + ":" + std::to_string(port);
}

void write_scrape_targets(const MetricsConfig& config, const std::string& run,
                          const std::vector<std::string>& targets) {
  nlohmann::json groups = nlohmann::json::array();
  for (size_t rank = 0; rank < targets.size(); ++rank) {
    nlohmann::json labels{{"run", run}, {"rank", std::to_string(rank)}};
    if (!config.certificate.empty()) labels["__scheme__"] = "https";
    groups.push_back({{"targets", {targets[rank]}}, {"labels", std::move(labels)}});
  }
  write_file_atomic(config.targets_file, json_text(groups, 2) + "\n");
}

}  // namespace lodestone::coordinator
