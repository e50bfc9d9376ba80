#pragma once

#include "trainer/commands/evaluation.h"
#include "trainer/coordinator/run_folder.h"

namespace lodestone {

/// Writes the run folder's report.html from its metrics.jsonl and the last evaluation. Rank 0, after Evaluator::run.
void write_run_report(const RunFolder& folder, RunConfig& config, const Session& session, Encoder& encoder,
                      const Evaluator& evaluator, const Evaluation& evaluation);

}  // namespace lodestone
