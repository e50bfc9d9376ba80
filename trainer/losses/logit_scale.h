#pragma once

#include <cmath>
#include <vector>

#include "trainer/losses/learned.h"

namespace lodestone::losses {

/// The factor on similarities: either the fixed 1 / temperature, or the learned exp(logit_scale) with
/// logit_scale kept within [0, ln 100] (Radford et al. 2021, section 2.5).
class LogitScale {
 public:
  LogitScale(double temperature, bool learn)
      : temperature_(temperature),
        learn_(learn),
        log_("logit_scale", -std::log(temperature), 0, std::log(100.0)) {}

  void visit(Fields& f) {
    f.field({.name = "temperature",
             .doc = "temperature that similarities are divided by; if learned, its initial value",
             .min = 1e-4},
            &temperature_);
    f.field({.name = "learn_temperature",
             .doc = "whether logit_scale = ln(1 / temperature) is learned, within 0 and ln 100"},
            &learn_);
    log_.start_at(-std::log(temperature_));
  }
  double value() const { return learn_ ? std::exp(log_.value()) : 1 / temperature_; }
  std::vector<LossParameter> parameters() const {
    return learn_ ? std::vector{log_.parameter()} : std::vector<LossParameter>{};
  }
  /// The gradient of logit_scale, given that of the factor; empty if it is not learned.
  std::vector<double> gradients(double of_value) const {
    return learn_ ? std::vector{of_value * value()} : std::vector<double>{};
  }

 private:
  double temperature_;
  bool learn_;
  Learned log_;
};

}  // namespace lodestone::losses
