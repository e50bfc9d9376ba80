#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/fields.h"
#include "common/state.h"
#include "trainer/engine/parameter_tuning.h"
#include "trainer/engine/update_rule.h"

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
  double trust_coefficient = 1e-3;
  double clip_norm = 0.0;
  ParameterTuning tuning;

  void visit(Fields& f);
};

/// Turns gradients into updates, by one of the rules of update_rule.h. Parameters that need no gradient are left out, without
/// moments of their own. AdamW's and LAMB's weight decay is decoupled from the gradient, SGD's and LARS's is added to it.
/// Ranks     none: with equal gradients every rank makes the same update.
class Optimizer {
 public:
  Optimizer(const OptimizerConfig& config, const std::vector<Parameter>& parameters);

  /// The joint norm of all gradients divided by `scale`, which is what a loss scaler multiplied them with. Divides them by it and
  /// scales them so that their norm is at most clip_norm (0: no clipping). A norm that isn't finite leaves them as they are.
  /// Cost      one pass over the gradients, and another one if there is something to scale
  double clip(double scale = 1.0);
  /// One update at this share of the learning rate, then clear(). Parameters without a gradient stay.
  void step(double factor);
  /// There are no gradients any more.
  void clear();

  double learning_rate() const { return config_.learning_rate; }
  /// Moments, and how many updates each parameter has had, in this group under names that begin with `prefix`.
  void visit_state(StateVisitor& v, const std::string& group, const std::string& prefix = "");

 private:
  struct Slot {
    Parameter parameter;
    Tuned tuned;
    at::Tensor first, second, steps;
  };
  std::vector<at::Tensor> gradients() const;

  OptimizerConfig config_;
  const UpdateRule* rule_;
  std::vector<Slot> slots_;  ///< those that are updated alike stand together
};

}  // namespace lodestone
