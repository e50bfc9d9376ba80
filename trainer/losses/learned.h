#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>

#include "trainer/losses/loss.h"

namespace lodestone::losses {

/// A learned number whose start is a setting of the loss.
class Learned {
 public:
  Learned(const char* name, double start, double min, double max)
      : parameter_{name, at::full({}, start, at::kDouble), min, max}, start_(start) {}

  /// Sets the start. Call it after each visit of the setting: only a changed setting resets the learned
  /// value.
  void start_at(double start) {
    if (start == start_) return;
    start_ = start;
    parameter_.value.fill_(start);
  }
  double value() const { return parameter_.value.item<double>(); }
  const LossParameter& parameter() const { return parameter_; }

 private:
  LossParameter parameter_;
  double start_;
};

}  // namespace lodestone::losses
