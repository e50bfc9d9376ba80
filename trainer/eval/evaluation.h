#pragma once

#include <cstdint>

#include "trainer/eval/evaluate_rows.h"

namespace lodestone::eval {

/// The metrics of a model on the evaluation split, and those of a baseline without learning.
struct Evaluation {
  EvaluationResult model;
  EvaluationResult baseline;  ///< the baseline; empty if it was not asked for or does not exist
  /// samples that could not be read (on_bad_record: skip); neither result contains them
  int64_t left_out = 0;
};

}  // namespace lodestone::eval
