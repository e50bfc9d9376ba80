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

namespace lodestone::engine {

/// Settings of the optimizer. `name` is that of a rule in update_rule.h; each rule uses only some of the
/// fields.
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
  /// Throws ConfigError if settings contradict each other.
  void check() const;
};

/// Turns gradients into updates, by one of the rules of update_rule.h. Parameters that need no gradient are
/// left out and have no moments.
/// Ranks     no communication: with equal gradients every rank makes the same update
class Optimizer {
 public:
  Optimizer(const OptimizerConfig& config, const std::vector<encoders::Parameter>& parameters);

  /// Divides the gradients by `scale` (the factor of a loss scaler), then scales them so that their joint
  /// norm is at most clip_norm (0: no clipping). Returns the norm before clipping. If it is not finite, the
  /// gradients stay as they are.
  /// Cost      one pass over the gradients, and a second one if they must be scaled
  double clip(double scale = 1.0);
  /// Makes one update with `factor` times the learning rate, then clears the gradients. Parameters without a
  /// gradient stay.
  void step(double factor);
  /// Drops all gradients.
  void clear();

  double learning_rate() const { return config_.learning_rate; }
  /// Visits the moments and the number of updates of each parameter, in this group under names that begin
  /// with `prefix`.
  void visit_state(StateVisitor& v, const std::string& group, const std::string& prefix = "");

 private:
  struct Moments {
    encoders::Parameter parameter;
    Tuned tuned;
    at::Tensor first, second, steps;
  };
  std::vector<at::Tensor> gradients() const;

  OptimizerConfig config_;
  const UpdateRule* rule_;
  std::vector<Moments> moments_;  ///< those with the same settings are adjacent
};

}  // namespace lodestone::engine
