#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>

#include "common/fields.h"
#include "common/state.h"

namespace lodestone::engine {

/// The type of matrix products and convolutions, or of rows that are sent or compared.
enum class Precision { kFloat32, kBFloat16, kFloat16 };
inline constexpr Choice<Precision> kPrecisions[] = {
    {"float32", Precision::kFloat32}, {"bfloat16", Precision::kBFloat16}, {"float16", Precision::kFloat16}};

/// While the object lives, this thread's matrix products and convolutions of float32 inputs run in bfloat16
/// or float16, and operations that need more precision stay in float32: ATen's autocast. Weights and
/// gradients remain float32. kFloat32 changes nothing.
/// Requires  the forward pass inside its scope, the backward pass outside (it follows the types of the
///           forward pass)
/// Threads   affects the thread that made it
class Autocast {
 public:
  Autocast(c10::Device device, Precision precision);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  c10::DeviceType device_;
  bool on_, before_ = false;
  at::ScalarType type_before_ = at::kFloat;
};

/// Keeps float16 gradients above the smallest number of their type (Micikevicius et al. 2018): the backward
/// pass starts from the gradient times scale(), and the parameters' gradients are divided by it. When
/// gradients overflow, the scale halves and the step makes no update; after kGrowthSteps good steps the scale
/// doubles.
class LossScaler {
 public:
  static constexpr double kStart = 65536.0;
  static constexpr int64_t kGrowthSteps = 2000;

  /// With a precision other than kFloat16, scale() stays 1.
  explicit LossScaler(Precision precision);

  bool on() const { return on_; }
  double scale() const;
  /// Reports whether the gradients of a step were finite. Throws Error if they overflow at the smallest scale
  /// too, since then the scale is not the cause.
  void update(bool finite);
  /// Visits the scale and the number of good steps since its last change; nothing when off.
  void visit_state(StateVisitor& v);

 private:
  bool on_;
  at::Tensor scale_, good_steps_;  ///< one double and one integer
};

/// Throws ConfigError for float16 on a device other than CUDA.
void check_precision(Precision precision, c10::Device device);

}  // namespace lodestone::engine
