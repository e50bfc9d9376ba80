#pragma once

#include <functional>

#include "trainer/coordinator/live_state.h"
#include "trainer/coordinator/run_metrics.h"
#include "trainer/coordinator/web_server.h"

namespace lodestone {

/// The pages of a rank that only has metrics: /metrics and /healthz. `metrics` outlives them.
WebPages rank_pages(const RunMetrics& metrics);

/// Those of rank 0: also /readyz (200 once a step is done), / (the live page) with what it is made of, and POST /checkpoint, which
/// calls `request_checkpoint` from a thread of the server. `metrics` and `live` outlive them.
WebPages live_pages(const RunMetrics& metrics, LiveState& live, std::function<void()> request_checkpoint);

}  // namespace lodestone
