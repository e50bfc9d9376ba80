#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/fields.h"

namespace lodestone::engine {

enum class ScheduleShape { kCosine, kLinear, kPolynomial, kStep, kConstant };

/// The learning rate as a function of the step, relative to its peak. It rises linearly from 0 over the
/// warm-up. After it, with p = the share of the remaining steps that is done, and m = final_fraction:
///   constant    1
///   linear      m + (1 - m) (1 - p)
///   polynomial  m + (1 - m) (1 - p)^power
///   cosine      m + (1 - m) (1 + cos πp) / 2   (Loshchilov & Hutter 2017, without restarts)
///   step        max(m, drop^(milestones passed))
struct Schedule {
  int64_t steps = 1000;
  int64_t warmup_steps = 50;
  ScheduleShape shape = ScheduleShape::kCosine;
  double final_fraction = 0.0;
  double power = 2.0;
  std::vector<int64_t> milestones;
  double drop = 0.1;

  void visit(Fields& f);

  /// The factor of the step with this number, counted from 0.
  double factor(int64_t step) const;
};

}  // namespace lodestone::engine
