#pragma once

#include <cstdint>
#include <string>

#include "trainer/init/plan.h"
#include "trainer/run/run_config.h"

namespace lodestone::init {

/// What a few real steps took on this machine.
struct Probe {
  int64_t steps = 0;        ///< that were measured
  double step_seconds = 0;  ///< median, with the wait for data
  int threads = 1;
  std::string device;
};

/// Takes real steps of a configuration, in this process and without a run folder, for a few seconds at most
/// (or two steps, if they take longer).
/// Throws    ConfigError, DataError: whatever a run of the configuration would
Probe probe(run::RunConfig& config);

/// The number of steps for the time that the user has.
struct StepBudget {
  int64_t steps = 0;
  std::string reason;  ///< for the configuration and the console
};

/// Steps and evaluations fit into the time. More steps than teach anything new are not taken: where there are
/// few data, the run is shorter.
StepBudget budget_steps(const Plan& plan, const Probe& probe, Content content, double minutes);

}  // namespace lodestone::init
