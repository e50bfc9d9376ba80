#pragma once

#include "trainer/commands/evaluation.h"
#include "trainer/coordinator/run_folder.h"

namespace lodestone {

/// Writes the run folder's report.html from its metrics.jsonl and the last evaluation. Rank 0, after Evaluator::run, holding
/// the folder's lock. What can't be read or written costs the report and a warning, not the run.
void write_run_report(const RunFolder& folder, RunConfig& config, const Session& session, Encoder& encoder,
                      const Evaluator& evaluator, const Evaluation& evaluation);

}  // namespace lodestone
