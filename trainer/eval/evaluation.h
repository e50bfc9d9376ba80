#pragma once

#include <cstdint>

#include "trainer/eval/judge.h"

namespace lodestone {

/// The metrics of a model on the evaluation split, and those of a baseline without learning.
struct Evaluation {
  Judgement model;
  Judgement floor;  ///< the baseline; empty if it was not asked for or does not exist
  /// samples that could not be read (on_bad_record: skip); neither result contains them
  int64_t left_out = 0;
};

}  // namespace lodestone
