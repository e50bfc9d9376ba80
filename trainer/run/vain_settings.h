#pragma once

#include <vector>

#include "trainer/run/start_lines.h"

namespace lodestone {

/// Settings that come to nothing as the run's length, its ranks and its data are. They are told and not refused: with more steps, fewer
/// ranks or other files the same configuration makes sense. What has no effect whatever these are, is refused when it is read.
std::vector<StartLine> vain_settings(const RunConfig& config, int world);

}  // namespace lodestone
