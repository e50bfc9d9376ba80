#include "trainer/engine/precision.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/full.h>

#include "common/error.h"

namespace lodestone::engine {

namespace {

// 2^-14: with a smaller scale, float16 gradients would be scaled down rather than up.
constexpr double kSmallestScale = 1.0 / 16384.0;

}  // namespace

Autocast::Autocast(c10::Device device, Precision precision)
    : device_(device.type()), on_(precision != Precision::kFloat32) {
  if (!on_) return;
  before_ = at::autocast::is_autocast_enabled(device_);
  type_before_ = at::autocast::get_autocast_dtype(device_);
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, precision == Precision::kBFloat16 ? at::kBFloat16 : at::kHalf);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!on_) return;
  // The casts of weights are cached while such an object lives; the next step has other weights.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, before_);
  at::autocast::set_autocast_dtype(device_, type_before_);
}

LossScaler::LossScaler(Precision precision)
    : on_(precision == Precision::kFloat16),
      scale_(at::full({1}, on_ ? kStart : 1.0, at::kDouble)),
      good_steps_(at::full({1}, 0, at::kLong)) {}

double LossScaler::scale() const {
  return *scale_.const_data_ptr<double>();
}

void LossScaler::update(bool finite) {
  if (!on_) return;
  double& scale = *scale_.mutable_data_ptr<double>();
  int64_t& good_steps = *good_steps_.mutable_data_ptr<int64_t>();
  if (!finite) {
    if (scale <= kSmallestScale)
      throw Error(
          "trainer: gradients overflow float16 at every scale; use precision: bfloat16 or float32, or lower "
          "optimizer.learning_rate");
    scale /= 2;
    good_steps = 0;
  } else if (++good_steps == kGrowthSteps) {
    scale *= 2;
    good_steps = 0;
  }
}

void LossScaler::visit_state(StateVisitor& v) {
  if (!on_) return;
  v.replicated("scaler", "scale", scale_);
  v.replicated("scaler", "good_steps", good_steps_);
}

void check_precision(Precision precision, c10::Device device) {
  if (precision == Precision::kFloat16 && !device.is_cuda())
    throw ConfigError("precision: float16 needs a CUDA device, got " + device.str() +
                      "; use precision: bfloat16, or distributed.device: cuda");
}

}  // namespace lodestone::engine
