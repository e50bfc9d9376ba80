#pragma once

#include "common/config_faults.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

/// Collects what a training run needs and `config` lacks, and values that contradict each other, as far as
/// that shows before data are opened and ranks are counted.
void check_training(const RunConfig& config, ConfigFaults& faults);

/// Throws    ConfigError if the configuration names no training data
void check_names_data(const DataConfig& config);

}  // namespace lodestone::run
