#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/fields.h"
#include "trainer/encoders/parameters.h"

namespace lodestone {

struct OptimizerConfig {
  std::string name = "adamw";
  double learning_rate = 1e-3;
  double weight_decay = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double momentum = 0.9;
  bool nesterov = false;
  double clip_norm = 0.0;

  void visit(Fields& f);
};

/// AdamW (Loshchilov & Hutter 2019) or SGD with momentum, by ATen's fused kernels: one pass over the parameters.
/// Weight decay spares norms and biases (Parameter::decays). AdamW's is decoupled from the gradient, SGD's is added to it.
/// Ranks     none: with equal gradients every rank makes the same update.
class Optimizer {
 public:
  Optimizer(const OptimizerConfig& config, const std::vector<Parameter>& parameters);

  /// Scales all gradients so that their joint norm is at most clip_norm (0: no clipping) and returns the norm before that.
  double clip();
  /// One update at this share of the learning rate, then all gradients are zero. Parameters without a gradient stay.
  void step(double factor);

  double learning_rate() const { return config_.learning_rate; }
  /// The moments by parameter name, as handles: loading copies into them. `steps` is part of the state too.
  std::map<std::string, at::Tensor> state() const;

 private:
  struct Slot {
    Parameter parameter;
    at::Tensor first, second, steps;  ///< AdamW's moments and step count; SGD uses `first` alone
  };
  void step_adamw(double rate);
  void step_sgd(double rate);

  OptimizerConfig config_;
  std::vector<Slot> slots_;
};

}  // namespace lodestone
