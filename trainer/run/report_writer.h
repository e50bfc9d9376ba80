#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "trainer/coordinator/checkpoints/run_folder.h"
#include "trainer/coordinator/run_context.h"
#include "trainer/run/data_kinds/evaluation.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

/// Writes report.html into the run folder from its metrics.jsonl and the last evaluation. Input that cannot
/// be read, or a report that cannot be written, costs a warning, not the run. `ranks` is the number of ranks
/// that trained the model. `before_writing` is called after all input has been read: it takes the folder's lock if the caller does not hold it, and may throw.
/// Ranks     rank 0, after Evaluator::run
void write_run_report(const coordinator::RunFolder& folder, int64_t ranks, RunConfig& config,
                      const coordinator::RunContext& context, encoders::Encoder& encoder,
                      const Evaluator& evaluator, const eval::Evaluation& evaluation,
                      const std::function<void()>& before_writing = {});

/// What a report states about the run besides the evaluation.
struct ReportHead {
  std::string name;
  std::filesystem::path metrics;  ///< metrics.jsonl with the run's curves; empty: no curves
  int64_t ranks = 1;              ///< that trained the model
};

/// Writes the report of an evaluation into `file`.
/// Ranks     rank 0, after Evaluator::run
/// Throws    IoError
void write_report_file(const std::filesystem::path& file, const ReportHead& head, RunConfig& config,
                       const coordinator::RunContext& context, encoders::Encoder& encoder,
                       const Evaluator& evaluator, const eval::Evaluation& evaluation);

}  // namespace lodestone::run
