#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/fields.h"
#include "trainer/encoders/parameters.h"

namespace lodestone {

/// What of a weights file went where. Names of parameters are the encoder's, those of tensors the file's.
struct WeightsReport {
  std::string file;
  std::string prefix;                 ///< taken off the file's names
  int64_t older = 0;                  ///< tensors that had an older name: LayerNorm.gamma
  std::vector<std::string> matched;   ///< parameters
  std::vector<std::string> new_head;  ///< parameters of a head, which the file has not or in another shape
  std::vector<std::string> head_left_out;  ///< tensors of the file's head
  std::vector<std::string>
      no_weights;  ///< tensors of whole numbers, or of a type not read here, that no parameter is named after
  std::vector<std::string> missing;     ///< parameters that the file lacks: they keep their random start
  std::vector<std::string> unexpected;  ///< tensors that no parameter is named after
  /// "name (theirs [1000, 512], ours [64, 512])", "name (theirs I8 …)": they keep their random start, too
  std::vector<std::string> unfit;

  /// Is the encoder, heads aside, what the file is of?
  bool whole() const { return missing.empty() && unexpected.empty() && unfit.empty(); }
  /// One line for the log.
  std::string sentence() const;
};

/// Starts an encoder from safetensors, by parameter name.
struct InitialWeights {
  std::string init_from;
  std::string init_prefix;
  bool init_partial = false;

  void visit(Fields& f);

  /// Brings a tensor of the file into the form that the parameter of that name has.
  using Adapt = std::function<at::Tensor(const std::string& name, const at::Tensor& value)>;
  /// Copies what fits into learned parameters, frozen ones and running statistics alike; nothing if it throws.
  /// Throws ConfigError if nothing fits, if it's not clear which tensors are meant, and unless init_partial where anything but a
  /// head is missing, left over or of another shape; DataError if the file is damaged or no safetensors, IoError if it can't be read.
  WeightsReport load(Parameters& parameters, const Adapt& adapt) const;
};

}  // namespace lodestone
