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

namespace lodestone {

using Pages = std::map<std::string, HttpRoute>;

/// The pages of a rank that only has metrics: /metrics, /healthz, and /readyz (200 once a step is done). `metrics` outlives them.
Pages rank_pages(const RunMetrics& metrics);

/// What rank 0 is asked for, from threads of the server.
struct LiveSource {
  const RunMetrics& metrics;
  LiveState& live;
  std::function<std::vector<RankState>()> ranks;  ///< as they are at this moment
  std::function<void()> request_checkpoint;       ///< empty: nobody may ask for one
};

/// Those of rank 0: also POST /checkpoint and, if `shown`, / (the live page) with what it is made of. Else these are answered 403 with what
/// is to be set.
Pages live_pages(LiveSource source, bool shown = true);

/// Serves pages at config.address and `port`, to whoever knows user and password where they are set; /healthz and /readyz to all.
/// Requests have no body, five seconds, and are answered sixteen at a time. `warn` is told of secrets that others may read, and of a new
/// certificate that can't be used. Throws ConfigError if that can't be.
std::unique_ptr<HttpServer> serve_pages(const MetricsConfig& config, int64_t port, Pages pages,
                                        const Warn& warn = {});

}  // namespace lodestone
