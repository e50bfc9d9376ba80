#pragma once

#include <functional>

#include "trainer/coordinator/run_context.h"
#include "trainer/run/run_config.h"

namespace lodestone {

/// Runs a command's body on every rank and lets the ranks end together, with one exit code: where a rank fails, it says why
/// at once, the others learn its code and stop too, rather than each taking the other's end for a lost peer. Sets the number of
/// threads and the format of the log.
/// Ranks     collective. In world 1 errors pass through.
/// Throws    CommError if a rank was lost without a word.
int run_on_ranks(const RunConfig& config, const std::function<int(RunContext&)>& body);

}  // namespace lodestone
