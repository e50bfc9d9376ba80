#pragma once

#include <cstdint>

#include "trainer/eval/judge.h"

namespace lodestone {

/// A model's figures on the evaluation split, with the floor beside them.
struct Evaluation {
  Judgement model;
  Judgement floor;       ///< what needs no learning; empty unless asked for, or where there is none
  int64_t left_out = 0;  ///< samples that could not be read (on_bad_record: skip) and are in neither
};

}  // namespace lodestone
