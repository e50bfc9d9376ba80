#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/fields.h"
#include "trainer/encoders/parameters.h"

namespace lodestone {

/// What of a weights file went where.
struct WeightsReport {
  std::string file;
  std::vector<std::string> matched;
  std::vector<std::string> missing;     ///< parameters that the file lacks: they keep their random start
  std::vector<std::string> unexpected;  ///< tensors of the file that no parameter is named after
  std::vector<std::string>
      other_shape;  ///< "name (theirs [1000, 512], ours [64, 512])": they keep their random start, too

  /// One line for the log.
  std::string sentence() const;
};

/// Starts an encoder from a safetensors file, by parameter name.
struct InitialWeights {
  std::string init_from;
  std::string init_prefix;

  void visit(Fields& f);

  /// Brings a tensor of the file into the form that the parameter of that name has.
  using Adapt = std::function<at::Tensor(const std::string& name, const at::Tensor& value)>;
  /// Copies what fits into learned parameters, frozen ones and running statistics alike.
  /// Throws ConfigError if nothing fits, DataError if the file is damaged, IoError if it can't be read.
  WeightsReport load(Parameters& parameters, const Adapt& adapt) const;
};

}  // namespace lodestone
