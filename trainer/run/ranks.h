#pragma once

#include <functional>

#include "trainer/coordinator/run_context.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

/// Runs a command's body on every rank and makes all ranks end together with one exit code: a rank that fails
/// logs the reason, and the others receive its exit code and stop, instead of each reporting a lost peer. An
/// error that all ranks find is logged once, by rank 0. Sets the number of threads and the format of the log.
/// Ranks     collective; in world 1 exceptions propagate
/// Throws    CommError if a rank was lost without a report
int run_on_ranks(const RunConfig& config, const std::function<int(coordinator::RunContext&)>& body);

}  // namespace lodestone::run
