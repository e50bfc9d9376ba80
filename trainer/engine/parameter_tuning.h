#pragma once

#include <string>
#include <vector>

#include "common/fields.h"
#include "trainer/encoders/parameters.h"

namespace lodestone {

/// How single parameters are treated otherwise than all, by their names. Patterns are globs over whole names: `*` stands for any
/// characters, dots too, `?` for one.
struct ParameterTuning {
  std::vector<std::string> learning_rates;  ///< "pattern=factor"; of several that fit, the last counts
  std::vector<std::string> no_decay;
  double layer_decay = 1.0;

  void visit(Fields& f);
};

/// What that comes to for one parameter.
struct Tuned {
  double rate = 1.0;   ///< factor on the learning rate
  bool decays = true;  ///< weight decay applies
};

/// One for each parameter, in order. A parameter decays if Parameter::decays says so and no pattern of no_decay fits.
/// Depth     with layer_decay λ the rate of a parameter in layer l of n is λ^(n-l) (Clark et al. 2020). A layer is what shares a
///           name up to its last number among the first components ("blocks.3", "encoder.layer.3", "layer1.0"); what was
///           created before the first of them lies below it (l = 0), what was created without a number behind it on top (l = n).
///           Two towers (image., text.) have layers of their own.
/// Throws    ConfigError naming a pattern that fits no parameter, or a factor that is no number of 0 or more.
std::vector<Tuned> tune(const ParameterTuning& tuning, const std::vector<Parameter>& parameters);

}  // namespace lodestone
