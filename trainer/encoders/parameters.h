#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace lodestone::encoders {

/// How training changes a tensor of an encoder.
enum class ParameterRole {
  kLearned,           ///< the optimizer updates it
  kFrozen,            ///< it keeps its initial value (encoder.frozen)
  kRunningStatistic,  ///< a forward pass in training updates it: batch norm's mean and variance
  kConstant,          ///< it never changes: other buffers of foreign modules
};

/// One tensor of an encoder, under the name it has in torchvision or Hugging Face models.
struct Parameter {
  std::string name;
  at::Tensor tensor;
  bool decays = true;  ///< weight decay applies: matrices and kernels yes, norms and biases no
  ParameterRole role = ParameterRole::kLearned;
  std::string tower = {};  ///< of an encoder with several, the one that the tensor belongs to
};

/// The tensors of the parameters with this role.
std::vector<at::Tensor> tensors_of(const std::vector<Parameter>& parameters, ParameterRole role);

/// Owns the learned tensors and the buffers of an encoder, in order of creation. Initial values are a pure
/// function of (seed, name): the same on every rank, and unchanged when another layer is added.
class Parameters {
 public:
  explicit Parameters(uint64_t seed) : seed_(seed) {}

  /// Uniform in ±1/sqrt(fan_in), fan_in = product of all sizes but the first: PyTorch's default for linear
  /// and convolution layers, used for layers in front of a norm. There the size of a weight does not change
  /// the output, and a step of Adam turns a small weight farther.
  at::Tensor uniform(const std::string& name, at::IntArrayRef sizes);
  /// Normal with standard deviation sqrt(2 / fan_in) (He et al. 2015): preserves the signal's size through
  /// [linear, ReLU] without a norm.
  at::Tensor he_normal(const std::string& name, at::IntArrayRef sizes);
  /// Normal with standard deviation sqrt(2 / fan_out), fan_out = product of all sizes but the second:
  /// torchvision's ResNets.
  at::Tensor he_normal_out(const std::string& name, at::IntArrayRef sizes);
  /// Normal with this standard deviation, truncated at two of them: transformers' embeddings and linear
  /// layers.
  at::Tensor normal(const std::string& name, at::IntArrayRef sizes, double deviation, bool decays = true);
  at::Tensor constant(const std::string& name, at::IntArrayRef sizes, double value);
  /// Makes a running statistic: saved and loaded, not learned.
  at::Tensor buffer(const std::string& name, at::IntArrayRef sizes, double value);

  /// Adds a tensor that was made elsewhere, as a handle; its role says whether it is learned.
  void adopt(const Parameter& parameter);
  /// Adds all tensors of `inner`, under names that begin with "tower.".
  void adopt(const std::string& tower, const Parameters& inner);
  /// The tower of the tensors that are made next; "": of none.
  void set_tower(const std::string& tower) { tower_ = tower; }
  /// Turns the learned parameters whose names match one of the globs into buffers without gradient. Throws
  /// ConfigError if a glob matches nothing or no learned parameter is left.
  void freeze(const std::vector<std::string>& globs);

  const std::vector<Parameter>& learned() const { return learned_; }
  /// Running statistics and frozen parameters: saved and loaded, not learned.
  const std::vector<Parameter>& buffers() const { return buffers_; }
  int64_t count() const;
  uint64_t seed() const { return seed_; }

  /// Converts every tensor to another element type and device, in place.
  void convert(at::ScalarType dtype, at::Device device);

 private:
  at::Tensor he_normal(const std::string& name, at::IntArrayRef sizes, double fan);
  at::Tensor add(const std::string& name, at::Tensor value, bool decays);

  uint64_t seed_;
  std::string tower_;
  std::vector<Parameter> learned_;
  std::vector<Parameter> buffers_;
};

}  // namespace lodestone::encoders
