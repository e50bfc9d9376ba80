#include "trainer/encoders/batch_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/native_batch_norm_backward.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

namespace lodestone {

namespace {

constexpr double kEpsilon = 1e-5;

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// All axes but the channels.
std::vector<int64_t> other_axes(const at::Tensor& x) {
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < x.dim(); ++axis)
    if (axis != 1) axes.push_back(axis);
  return axes;
}

at::Tensor per_channel(const at::Tensor& value_C, const at::Tensor& x_bCX) {
  std::vector<int64_t> shape(static_cast<size_t>(x_bCX.dim()), 1);
  shape[1] = value_C.numel();
  return value_C.view(shape);
}

// Normalises with statistics of the whole batch, which the caller has computed; its backward needs one sum over ranks,
// since every row's gradient depends on the batch's sums of dy and of dy · xhat.
struct SyncNormalise : torch::autograd::Function<SyncNormalise> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_bCX, const at::Tensor& weight_C,
                            const at::Tensor& bias_C, const at::Tensor& mean_C, const at::Tensor& variance_C,
                            double total, SumOverRanks sum_over_ranks) {
    context->save_for_backward({x_bCX, weight_C, mean_C, variance_C});
    context->saved_data["total"] = total;
    // The function object travels in the node: saved_data holds only tensors and numbers.
    context->saved_data["sum_over_ranks"] = c10::IValue::make_capsule(c10::make_intrusive<Holder>(std::move(sum_over_ranks)));
    return at::batch_norm(x_bCX, weight_C, bias_C, mean_C, variance_C, false, 0.0, kEpsilon, false);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x_bCX = saved[0], weight_C = saved[1], mean_C = saved[2], variance_C = saved[3];
    const double total = context->saved_data["total"].toDouble();
    const auto holder = c10::static_intrusive_pointer_cast<Holder>(context->saved_data["sum_over_ranks"].toCapsule());
    const at::Tensor dy_bCX = gradients[0].contiguous(x_bCX.suggest_memory_format());
    const at::Tensor scale_C = at::rsqrt(variance_C + kEpsilon);
    const auto [weight_gradient_C, bias_gradient_C] = own_sums(dy_bCX, x_bCX, weight_C, mean_C, variance_C);
    const at::Tensor sums_2C = holder->sum(at::cat({bias_gradient_C, weight_gradient_C}));
    const int64_t channels = mean_C.numel();
    const at::Tensor mean_dy_C = sums_2C.narrow(0, 0, channels) / total;
    const at::Tensor mean_dy_xhat_C = sums_2C.narrow(0, channels, channels) / total;
    // dx = weight·scale·(dy - mean(dy) - xhat·mean(dy·xhat)), gathered by powers of x.
    const at::Tensor factor_C = weight_C * scale_C;
    const at::Tensor slope_C = -factor_C * scale_C * mean_dy_xhat_C;
    const at::Tensor offset_C = -factor_C * mean_dy_C - slope_C * mean_C;
    at::Tensor dx_bCX = at::addcmul(per_channel(offset_C, x_bCX), x_bCX, per_channel(slope_C, x_bCX));
    dx_bCX.addcmul_(dy_bCX, per_channel(factor_C, x_bCX));
    return {dx_bCX, weight_gradient_C, bias_gradient_C, {}, {}, {}, {}};
  }

 private:
  // Σ dy·xhat and Σ dy over this rank's rows. ATen's kernel divides by the number of rows, so none is a case of its own.
  static std::pair<at::Tensor, at::Tensor> own_sums(const at::Tensor& dy_bCX, const at::Tensor& x_bCX,
                                                    const at::Tensor& weight_C, const at::Tensor& mean_C,
                                                    const at::Tensor& variance_C) {
    if (x_bCX.numel() == 0) return {at::zeros_like(weight_C), at::zeros_like(weight_C)};
    auto [unused, products_C, sums_C] = at::native_batch_norm_backward(
        dy_bCX, x_bCX, weight_C, mean_C, variance_C, {}, {}, false, kEpsilon, {false, true, true});
    return {products_C, sums_C};
  }

  struct Holder : torch::CustomClassHolder {
    explicit Holder(SumOverRanks function) : sum(std::move(function)) {}
    SumOverRanks sum;
  };
};

}  // namespace

BatchNorm::BatchNorm(Parameters& parameters, const std::string& prefix, int64_t channels, double momentum)
    : momentum_(momentum),
      weight_C(parameters.constant(prefix + ".weight", {channels}, 1)),
      bias_C(parameters.constant(prefix + ".bias", {channels}, 0)),
      mean_C(parameters.buffer(prefix + ".running_mean", {channels}, 0)),
      variance_C(parameters.buffer(prefix + ".running_var", {channels}, 1)) {}

at::Tensor BatchNorm::forward(const at::Tensor& x_bCX, const ForwardMode& mode) const {
  const bool batch_statistics = mode.training && mode.batch_norm != BatchNormMode::kFrozen && weight_C.requires_grad();
  if (batch_statistics && mode.batch_norm == BatchNormMode::kSync && mode.sum_over_ranks) return forward_sync(x_bCX, mode);
  // A rank without rows has no statistics of its own, and ATen's backward kernel cannot take them.
  if (x_bCX.numel() == 0) return x_bCX * per_channel(weight_C, x_bCX) + per_channel(bias_C, x_bCX);
  const double momentum = mode.update_statistics ? momentum_ : 0.0;
  return at::batch_norm(x_bCX, weight_C, bias_C, mean_C, variance_C, batch_statistics, momentum, kEpsilon, false);
}

at::Tensor BatchNorm::forward_sync(const at::Tensor& x_bCX, const ForwardMode& mode) const {
  at::Tensor batch_mean_C, batch_variance_C;
  double total = 0;
  {
    // The statistics' own dependence on x is in SyncNormalise's backward.
    at::NoGradGuard no_grad;
    const auto axes = other_axes(x_bCX);
    const int64_t channels = mean_C.numel();
    const double local = static_cast<double>(x_bCX.numel() / channels);
    const at::Tensor count_1 = at::full({1}, local, mean_C.options());
    const at::Tensor sums = mode.sum_over_ranks(at::cat({x_bCX.sum(axes), count_1}));
    total = sums[channels].item<double>();
    batch_mean_C = sums.narrow(0, 0, channels) / total;
    // Two passes: the mean of squares less the square of the mean would lose digits.
    const at::Tensor centred = x_bCX - per_channel(batch_mean_C, x_bCX);
    batch_variance_C = mode.sum_over_ranks((centred * centred).sum(axes)) / total;
    if (mode.update_statistics) {
      mean_C.mul_(1 - momentum_).add_(batch_mean_C, momentum_);
      variance_C.mul_(1 - momentum_).add_(batch_variance_C, momentum_ * total / std::max(total - 1, 1.0));
    }
  }
  return SyncNormalise::apply(x_bCX, weight_C, bias_C, batch_mean_C, batch_variance_C, total, mode.sum_over_ranks);
}

}  // namespace lodestone
