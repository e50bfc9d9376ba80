#pragma once

#include <vector>

#include "trainer/run/start_lines.h"

namespace lodestone::run {

/// Warnings about settings that have no effect with this length of run, number of ranks and data. They are
/// not errors, since the same configuration is valid with more steps, fewer ranks or other files. Settings
/// that never have an effect are refused when the configuration is read.
std::vector<StartLine> settings_without_effect(const RunConfig& config, int world);

}  // namespace lodestone::run
