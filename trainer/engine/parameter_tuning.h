#pragma once

#include <string>
#include <vector>

#include "common/fields.h"
#include "trainer/encoders/parameters.h"

namespace lodestone::engine {

/// Settings for single parameters, chosen by name. Patterns are globs over whole names: `*` matches any
/// characters, dots too, and `?` matches one.
struct ParameterTuning {
  std::vector<std::string> learning_rates;  ///< "pattern=factor"; if several match, the last one counts
  std::vector<std::string> no_decay;
  double layer_decay = 1.0;

  void visit(Fields& f);
};

/// The resulting settings of one parameter.
struct Tuned {
  double rate = 1.0;   ///< factor on the learning rate
  bool decays = true;  ///< weight decay applies
};

/// The settings of each parameter, in order. Weight decay applies if Parameter::decays is set and no pattern
/// of no_decay matches. With layer_decay λ the rate of a parameter in layer l of n is λ^(n-l) (Clark et al.
/// 2020). A layer consists of the parameters that share a name up to the last number among its first
/// components ("blocks.3", "encoder.layer.3", "layer1.0"). Parameters that were created before the first
/// layer have l = 0; later ones without a number are on top, l = n. Each of two towers (image., text.) has
/// layers of its own.
/// Throws    ConfigError naming a pattern that matches no parameter, or a factor that is not a number >= 0
std::vector<Tuned> tune(const ParameterTuning& tuning, const std::vector<encoders::Parameter>& parameters);

}  // namespace lodestone::engine
