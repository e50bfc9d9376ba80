#pragma once

#include <cstdint>
#include <string>

#include "trainer/init/plan.h"
#include "trainer/run/run_config.h"

namespace lodestone::init {

/// What evaluations took, of all data for it or of a part.
struct EvaluationCost {
  int64_t samples = 0;    ///< of all data for evaluation; 0: there are none
  double per_sample = 0;  ///< seconds
  double per_square = 0;  ///< seconds by the square of the samples: all are compared with all

  /// Of a share of the data.
  double seconds(double share) const {
    const double n = share * static_cast<double>(samples);
    return per_sample * n + per_square * n * n;
  }
};

/// What a few real steps and evaluations took on this machine.
struct Probe {
  int64_t steps = 0;        ///< that were measured
  double step_seconds = 0;  ///< median, with the wait for data
  int threads = 1;
  std::string device;
  EvaluationCost evaluation = {};
};

/// Takes real steps of a configuration and evaluates, with the baseline, on all or a part of its data: in
/// this process and without a run folder, for a few seconds at most (or two steps, if they take longer).
/// Throws    ConfigError, DataError: whatever a run of the configuration would
Probe probe(run::RunConfig& config);

/// What fits into the time that the user has.
struct RunBudget {
  int64_t steps = 0;
  int64_t evaluations = 0;  ///< the last one included
  double evaluated = 1;     ///< share of the data for evaluation that is used
  std::string reason;       ///< of the steps, for the configuration and the console
};

/// Steps and evaluations fit into the time. Evaluations get a quarter of it: if they take longer, there are
/// fewer of them, and at last of a part of the data. More steps than teach anything new are not taken: where
/// there are few data, the run is shorter. Nor are fewer than 50, which the reason says.
RunBudget budget_run(const Plan& plan, const Probe& probe, Content content, double minutes);

}  // namespace lodestone::init
