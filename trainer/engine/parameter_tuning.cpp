#include "trainer/engine/parameter_tuning.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <fnmatch.h>

namespace lodestone::engine {

namespace {

// The indices of the parameters whose names match.
std::vector<size_t> fitting(const char* key, const std::string& pattern,
                            const std::vector<encoders::Parameter>& parameters) {
  std::vector<size_t> places;
  for (size_t i = 0; i < parameters.size(); ++i)
    if (fnmatch(pattern.c_str(), parameters[i].name.c_str(), 0) == 0) places.push_back(i);
  if (places.empty())
    throw ConfigError(std::string("optimizer.") + key +
                      ": expected the pattern of some parameter's name, got '" + pattern +
                      "', which matches none; names are like " + parameters.front().name + " and " +
                      parameters.back().name);
  return places;
}

struct Rate {
  std::string pattern;
  double factor = 1.0;
};

Rate parse_rate(const std::string& text) {
  Rate rate;
  const size_t split = text.rfind('=');
  const char* end = text.data() + text.size();
  if (split != std::string::npos) {
    rate.pattern = text.substr(0, split);
    const auto [stop, error] = std::from_chars(text.data() + split + 1, end, rate.factor);
    if (error == std::errc() && stop == end && std::isfinite(rate.factor) && rate.factor >= 0 && split > 0)
      return rate;
  }
  throw ConfigError("optimizer.learning_rates: expected pattern=factor, as in backbone.*=0.1, got '" + text +
                    "'");
}

bool is_number(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The name up to its first component that is a number: "encoder.layer.3"; "" if it has none.
std::string layer_of(const std::string& name) {
  for (size_t begin = 0; begin < name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    if (is_number(name.substr(begin, end - begin))) return name.substr(0, end);
    begin = end + 1;
  }
  return "";
}

/// Assigns layers to the parameters of one tower, which are passed in the order of their creation.
struct Depths {
  std::string layer;
  int64_t depth = 0;
  bool above = false;  ///< created after a layer and without a number

  int64_t next(const std::string& own) {
    const bool begins_layer = !own.empty() && own != layer;
    const bool ends_layers = own.empty() && depth > 0 && !above;
    if (begins_layer || ends_layers) {
      ++depth;
      above = ends_layers;
      layer = own;
    }
    return depth;
  }
};

// For each parameter, the number of layers above its own.
std::vector<int64_t> layers_above(const std::vector<encoders::Parameter>& parameters) {
  std::map<std::string, Depths> towers;
  std::vector<int64_t> above;
  for (const auto& parameter : parameters)
    above.push_back(towers[parameter.tower].next(layer_of(parameter.name)));
  for (size_t i = 0; i < parameters.size(); ++i) above[i] = towers[parameters[i].tower].depth - above[i];
  return above;
}

}  // namespace

void ParameterTuning::visit(Fields& f) {
  f.field({.name = "learning_rates",
           .doc = "factors on the learning rate by parameter name, as pattern=factor with globs; the last "
                  "match counts"},
          &learning_rates);
  f.field({.name = "no_decay", .doc = "globs of further parameter names without weight decay"}, &no_decay);
  f.field({.name = "layer_decay",
           .doc = "factor on the learning rate for every layer further from the output",
           .min = 0,
           .max = 1},
          &layer_decay);
}

std::vector<Tuned> tune(const ParameterTuning& tuning, const std::vector<encoders::Parameter>& parameters) {
  std::vector<Tuned> tuned;
  for (const auto& parameter : parameters) tuned.push_back({1.0, parameter.decays});
  for (const auto& text : tuning.learning_rates) {
    const Rate rate = parse_rate(text);
    for (const size_t i : fitting("learning_rates", rate.pattern, parameters)) tuned[i].rate = rate.factor;
  }
  for (const auto& pattern : tuning.no_decay)
    for (const size_t i : fitting("no_decay", pattern, parameters)) tuned[i].decays = false;
  if (tuning.layer_decay != 1.0) {
    const std::vector<int64_t> above = layers_above(parameters);
    for (size_t i = 0; i < parameters.size(); ++i)
      tuned[i].rate *= std::pow(tuning.layer_decay, static_cast<double>(above[i]));
  }
  return tuned;
}

}  // namespace lodestone::engine
