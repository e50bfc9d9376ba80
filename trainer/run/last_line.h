#pragma once

#include <cstdint>
#include <string>

#include "trainer/coordinator/checkpoints/run_folder.h"

namespace lodestone::run {

// The last line of a run: what was saved, and how to continue.

/// Of a run that was stopped before a step was done. `what` says by what and when.
std::string stopped_line(const std::string& what);

/// Of a run that was stopped after `step`, whose checkpoint is the folder's newest.
std::string stopped_line(const std::string& what, const coordinator::RunFolder& folder, int64_t step);

/// Of a run whose last checkpoint could not be saved, which was logged before; names the newest one of the
/// folder.
std::string unsaved_line(const std::string& what, const coordinator::RunFolder& folder);

/// Of a run that is done: checkpoint, report if there is one, and commands that use the model. `saved_now`:
/// this process has saved it; else it was there before.
std::string done_line(const coordinator::RunFolder& folder, int64_t step, bool saved_now = true);

}  // namespace lodestone::run
