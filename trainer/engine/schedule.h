#pragma once

#include <cstdint>
#include <string>

#include "common/fields.h"

namespace lodestone {

/// The learning rate as a function of the step, relative to its peak: linear warm-up from 0, then
/// constant, or a half cosine down to `final_fraction` at the last step.
struct Schedule {
  int64_t steps = 1000;
  int64_t warmup_steps = 50;
  std::string shape = "cosine";
  double final_fraction = 0.0;

  void visit(Fields& f);

  /// The factor for the step with this number, counted from 0.
  double factor(int64_t step) const;
};

}  // namespace lodestone
