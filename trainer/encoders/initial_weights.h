#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/fields.h"
#include "trainer/encoders/parameters.h"

namespace lodestone::encoders {

/// How the tensors of a weights file were matched with parameters. Names of parameters are the encoder's,
/// those of tensors the file's.
struct WeightsReport {
  std::string file;
  std::string prefix;                 ///< removed from the file's names
  int64_t older = 0;                  ///< tensors that had an older name: LayerNorm.gamma
  std::vector<std::string> matched;   ///< parameters
  std::vector<std::string> new_head;  ///< parameters of a head that the file lacks or has in another shape
  std::vector<std::string> head_left_out;  ///< tensors of the file's head
  /// tensors of integers, or of a type that is not read, and that match no parameter
  std::vector<std::string> no_weights;
  /// parameters that the file lacks; they keep their random initial values
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;  ///< tensors that match no parameter
  /// Parameters of another shape or type, "name (theirs [1000, 512], ours [64, 512])", "name (theirs I8 …)";
  /// they keep their random initial values.
  std::vector<std::string> unfit;

  /// Do the file and the encoder match completely, heads aside?
  bool whole() const { return missing.empty() && unexpected.empty() && unfit.empty(); }
  /// One line for the log.
  std::string sentence() const;
};

/// Loads the initial weights of an encoder from safetensors, by parameter name.
struct InitialWeights {
  std::string init_from;
  std::string init_prefix;
  bool init_partial = false;

  void visit(Fields& f);

  /// Converts a tensor of the file to the form of the parameter of that name.
  using Adapt = std::function<at::Tensor(const std::string& name, const at::Tensor& value)>;
  /// Copies every tensor that fits into its parameter, be it learned, frozen or a running statistic. Copies
  /// nothing if it throws.
  /// Throws    ConfigError if nothing fits, if it is ambiguous which tensors are meant, and, unless
  ///           init_partial, if anything but a head is missing, left over or of another shape; DataError if
  ///           the file is damaged or not safetensors; IoError if it cannot be read
  WeightsReport load(Parameters& parameters, const Adapt& adapt) const;
};

}  // namespace lodestone::encoders
