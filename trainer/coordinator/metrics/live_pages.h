#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "trainer/coordinator/config.h"
#include "trainer/coordinator/metrics/live_state.h"
#include "trainer/coordinator/metrics/run_metrics.h"
#include "trainer/coordinator/warn.h"
#include "trainer/http/http_server.h"

namespace lodestone::coordinator {

using Pages = std::map<std::string, http::HttpRoute>;

/// The pages of a rank that serves only metrics: /metrics, /healthz, and /readyz (200 after the first step).
/// Requires  `metrics` outlives the pages
Pages rank_pages(const RunMetrics& metrics);

/// The data behind the pages of rank 0. Threads of the server call its functions.
struct LiveData {
  const RunMetrics& metrics;
  LiveState& live;
  std::function<std::vector<RankState>()> ranks;  ///< returns the current state of the ranks
  std::function<void()> request_checkpoint;       ///< empty if clients may not request a checkpoint
};

/// The pages of rank 0: those of rank_pages, POST /checkpoint and, if `shown`, / (the live page) with its
/// files. Otherwise these are answered 403, with the setting that enables them.
Pages live_pages(LiveData source, bool shown = true);

/// Serves pages at config.address and `port`, to clients that send the user and password if these are set;
/// /healthz and /readyz to every client. Requests have no body and five seconds, and at most sixteen are
/// answered at a time. `warn` receives secrets that other users can read, and a renewed certificate that
/// cannot be used.
/// Throws    ConfigError if that is impossible
std::unique_ptr<http::HttpServer> serve_pages(const MetricsConfig& config, int64_t port, Pages pages,
                                              const Warn& warn = {});

}  // namespace lodestone::coordinator
