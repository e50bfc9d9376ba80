#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>

#include "common/state.h"

namespace lodestone {

/// While it lives, this thread's matrix products and convolutions run in bfloat16 or float16 where their inputs are float32, and what
/// needs the digits stays in float32: ATen's autocast. Weights and gradients remain float32. "float32": nothing changes.
/// Requires  the forward pass in it, the backward pass outside (it follows the types of the forward pass)
class Autocast {
 public:
  Autocast(c10::Device device, const std::string& precision);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  c10::DeviceType device_;
  bool on_, before_ = false;
  at::ScalarType type_before_ = at::kFloat;
};

/// Keeps float16 gradients above the smallest number of their type (Micikevicius et al. 2018): the backward pass starts from the
/// gradient times scale(), and the parameters' gradients are divided by it. The scale halves when they overflow, which costs
/// that step its update, and doubles after kGrowthSteps good steps.
class LossScaler {
 public:
  static constexpr double kStart = 65536.0;
  static constexpr int64_t kGrowthSteps = 2000;

  /// Scales for "float16"; for other types scale() stays 1.
  explicit LossScaler(const std::string& precision);

  bool on() const { return on_; }
  double scale() const;
  /// What became of a step. Throws Error if gradients overflow at the smallest scale too: then it isn't the scale.
  void update(bool finite);
  /// Scale and good steps since the last change; nothing when off.
  void visit_state(StateVisitor& v);

 private:
  bool on_;
  at::Tensor scale_, good_steps_;  ///< one double and one integer
};

/// Throws ConfigError for float16 on anything but CUDA.
void check_precision(const std::string& precision, c10::Device device);

}  // namespace lodestone
