#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>

#include "trainer/losses/loss.h"

namespace lodestone {

/// A number that starts at a setting and is learned from there.
class Learned {
 public:
  Learned(const char* name, double start, double min, double max)
      : parameter_{name, at::full({}, start, at::kDouble), min, max}, start_(start) {}

  /// To be called after the setting was visited: only a setting that has changed resets the number.
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

}  // namespace lodestone
