#pragma once

#include <functional>

#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/run_config.h"

namespace lodestone {

/// Writes the run folder's report.html from its metrics.jsonl and the last evaluation. Rank 0, after Evaluator::run. What can't be
/// read or written costs the report and a warning, not the run.
/// before_writing   called when all has been read: takes the folder's lock where the caller doesn't hold it; may throw
void write_run_report(const RunFolder& folder, RunConfig& config, const RunContext& context, Encoder& encoder,
                      const Evaluator& evaluator, const Evaluation& evaluation,
                      const std::function<void()>& before_writing = {});

}  // namespace lodestone
