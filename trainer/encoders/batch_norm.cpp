#include "trainer/encoders/batch_norm.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/native_batch_norm_backward.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "trainer/encoders/rank_sum.h"

namespace lodestone::encoders {

namespace {

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

// Normalises with statistics of the whole batch, which the caller has computed. Its backward pass needs one
// sum over ranks, since every row's gradient depends on the batch's sums of dy and of dy · xhat.
struct SyncNormalise : torch::autograd::Function<SyncNormalise> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_bCX, const at::Tensor& weight_C,
                            const at::Tensor& bias_C, const at::Tensor& mean_C, const at::Tensor& variance_C,
                            double total, double epsilon, SumOverRanks sum_over_ranks) {
    context->save_for_backward({x_bCX, weight_C, mean_C, variance_C});
    context->saved_data["epsilon"] = epsilon;
    context->saved_data["total"] = total;
    context->saved_data["sum_over_ranks"] = RankSum::keep(std::move(sum_over_ranks));
    return at::batch_norm(x_bCX, weight_C, bias_C, mean_C, variance_C, false, 0.0, epsilon, false);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &weight_C = saved[1], &mean_C = saved[2], &variance_C = saved[3];
    const at::Tensor x_bCX = saved[0].to(weight_C.scalar_type());  // under autocast it has half precision
    const double total = context->saved_data["total"].toDouble(),
                 epsilon = context->saved_data["epsilon"].toDouble();
    const SumOverRanks& sum_over_ranks = RankSum::kept(context->saved_data["sum_over_ranks"]);
    const at::Tensor dy_bCX =
        gradients[0].to(weight_C.scalar_type()).contiguous(x_bCX.suggest_memory_format());
    const at::Tensor scale_C = at::rsqrt(variance_C + epsilon);
    const auto [weight_gradient_C, bias_gradient_C] =
        own_sums(dy_bCX, x_bCX, weight_C, mean_C, variance_C, epsilon);
    const at::Tensor sums_2C = sum_over_ranks(at::cat({bias_gradient_C, weight_gradient_C}));
    const int64_t channels = mean_C.numel();
    const at::Tensor mean_dy_C = sums_2C.narrow(0, 0, channels) / total;
    const at::Tensor mean_dy_xhat_C = sums_2C.narrow(0, channels, channels) / total;
    // dx = weight·scale·(dy - mean(dy) - xhat·mean(dy·xhat)), gathered by powers of x.
    const at::Tensor factor_C = weight_C * scale_C;
    const at::Tensor slope_C = -factor_C * scale_C * mean_dy_xhat_C;
    const at::Tensor offset_C = -factor_C * mean_dy_C - slope_C * mean_C;
    at::Tensor dx_bCX = at::addcmul(per_channel(offset_C, x_bCX), x_bCX, per_channel(slope_C, x_bCX));
    dx_bCX.addcmul_(dy_bCX, per_channel(factor_C, x_bCX));
    return {dx_bCX, weight_gradient_C, bias_gradient_C, {}, {}, {}, {}, {}};
  }

 private:
  // Σ dy·xhat and Σ dy over this rank's rows. ATen's kernel divides by the number of rows, so a rank without
  // rows is a separate case.
  static std::pair<at::Tensor, at::Tensor> own_sums(const at::Tensor& dy_bCX, const at::Tensor& x_bCX,
                                                    const at::Tensor& weight_C, const at::Tensor& mean_C,
                                                    const at::Tensor& variance_C, double epsilon) {
    if (x_bCX.numel() == 0) return {at::zeros_like(weight_C), at::zeros_like(weight_C)};
    // The CPU's kernel reads the running statistics, CUDA's channels-last kernel those of the batch; both
    // arguments get the same values.
    auto [unused, products_C, sums_C] =
        at::native_batch_norm_backward(dy_bCX, x_bCX, weight_C, mean_C, variance_C, mean_C,
                                       at::rsqrt(variance_C + epsilon), false, epsilon, {false, true, true});
    return {products_C, sums_C};
  }
};

}  // namespace

BatchNorm::BatchNorm(Parameters& parameters, const std::string& prefix, int64_t channels, double momentum)
    : momentum_(momentum),
      weight_C(parameters.constant(prefix + ".weight", {channels}, 1)),
      bias_C(parameters.constant(prefix + ".bias", {channels}, 0)),
      mean_C(parameters.buffer(prefix + ".running_mean", {channels}, 0)),
      variance_C(parameters.buffer(prefix + ".running_var", {channels}, 1)) {}

BatchNorm::BatchNorm(Parts parts)
    : momentum_(parts.momentum),
      epsilon_(parts.epsilon),
      learns_(parts.learns),
      weight_C(std::move(parts.weight_C)),
      bias_C(std::move(parts.bias_C)),
      mean_C(std::move(parts.mean_C)),
      variance_C(std::move(parts.variance_C)) {}

bool BatchNorm::uses_batch(const ForwardMode& mode) const {
  return mode.training && mode.batch_norm != BatchNormMode::kFrozen && (weight_C.requires_grad() || !learns_);
}

at::Tensor BatchNorm::relu(const at::Tensor& x_bCX, const ForwardMode& mode,
                           const at::Tensor& residual_bCX) const {
  if (fused_norm_fits(x_bCX)) return fused(AfterNorm::kRelu, x_bCX, residual_bCX, mode);
  const at::Tensor y_bCX = forward(x_bCX, mode);
  return at::relu(residual_bCX.defined() ? y_bCX + residual_bCX : y_bCX);
}

at::Tensor BatchNorm::pool_relu(const at::Tensor& x_bCHW, const ForwardMode& mode) const {
  if (fused_norm_fits(x_bCHW)) return fused(AfterNorm::kPoolRelu, x_bCHW, {}, mode);
  // ReLU is monotone, so it commutes with the pool; after the pool it costs a quarter.
  return at::relu(at::max_pool2d(forward(x_bCHW, mode), 2));
}

at::Tensor BatchNorm::forward(const at::Tensor& x_bCX, const ForwardMode& mode) const {
  if (fused_norm_fits(x_bCX)) return fused(AfterNorm::kNothing, x_bCX, {}, mode);
  if (uses_batch(mode) && mode.batch_norm == BatchNormMode::kSync && mode.sum_over_ranks)
    return forward_sync(x_bCX, mode);
  // A rank without rows has no statistics of its own, which ATen's backward kernel rejects.
  if (x_bCX.numel() == 0) return x_bCX * per_channel(weight_C, x_bCX) + per_channel(bias_C, x_bCX);
  const double momentum = mode.update_statistics ? momentum_ : 0.0;
  return at::batch_norm(x_bCX, weight_C, bias_C, mean_C, variance_C, uses_batch(mode), momentum, epsilon_,
                        false);
}

void BatchNorm::hold() {
  if (weight_C.is_cpu()) held_ = held_norm(weight_C, bias_C, running(), epsilon_);
}

NormStatistics BatchNorm::running() const {
  return {mean_C.to(at::kDouble), variance_C.to(at::kDouble), 0};
}

at::Tensor BatchNorm::fused(AfterNorm after, const at::Tensor& x_bCX, const at::Tensor& residual_bCX,
                            const ForwardMode& mode) const {
  if (!uses_batch(mode)) {
    if (held_ && !at::GradMode::is_enabled()) return fused_norm_by(*held_, after, x_bCX, residual_bCX);
    return fused_norm(after, x_bCX, weight_C, bias_C, residual_bCX, running(), epsilon_, {});
  }
  const bool sync = mode.batch_norm == BatchNormMode::kSync && mode.sum_over_ranks;
  NormStatistics statistics = fused_moments(x_bCX);
  if (sync) {
    // In double precision the squares may be summed without centring.
    at::NoGradGuard no_grad;
    const at::Tensor& mean = statistics.mean_C;
    const at::Tensor sums = mode.sum_over_ranks(
        at::cat({mean * statistics.total, (statistics.variance_C + mean * mean) * statistics.total,
                 at::full({1}, statistics.total, mean.options())}));
    const int64_t channels = mean.numel();
    statistics.total = sums[2 * channels].item<double>();
    statistics.mean_C = sums.narrow(0, 0, channels) / statistics.total;
    statistics.variance_C =
        (sums.narrow(0, channels, channels) / statistics.total - statistics.mean_C * statistics.mean_C)
            .clamp_min(0.0);
  }
  if (mode.update_statistics && statistics.total > 0)
    update_running(statistics.mean_C, statistics.variance_C, statistics.total);
  return fused_norm(after, x_bCX, weight_C, bias_C, residual_bCX, statistics, epsilon_,
                    sync ? mode.sum_over_ranks : SumOverRanks());
}

void BatchNorm::update_running(const at::Tensor& mean, const at::Tensor& variance, double total) const {
  at::NoGradGuard no_grad;
  mean_C.mul_(1 - momentum_).add_(mean, momentum_);
  variance_C.mul_(1 - momentum_).add_(variance, momentum_ * total / std::max(total - 1, 1.0));
}

at::Tensor BatchNorm::forward_sync(const at::Tensor& x_bCX, const ForwardMode& mode) const {
  at::Tensor batch_mean_C, batch_variance_C;
  double total = 0;
  {
    // SyncNormalise's backward covers the dependence of the statistics on x.
    at::NoGradGuard no_grad;
    const auto axes = other_axes(x_bCX);
    const int64_t channels = mean_C.numel();
    const double local = static_cast<double>(x_bCX.numel() / channels);
    const at::Tensor count_1 = at::full({1}, local, mean_C.options());
    // Sums have the type of the statistics, whatever the type of x.
    const at::ScalarType type = mean_C.scalar_type();
    const at::Tensor sums = mode.sum_over_ranks(at::cat({x_bCX.sum(axes, false, type), count_1}));
    total = sums[channels].item<double>();
    batch_mean_C = sums.narrow(0, 0, channels) / total;
    // Two passes: the mean of squares minus the square of the mean would lose digits.
    const at::Tensor centred = x_bCX.to(type) - per_channel(batch_mean_C, x_bCX);
    batch_variance_C = mode.sum_over_ranks((centred * centred).sum(axes)) / total;
    if (mode.update_statistics) update_running(batch_mean_C, batch_variance_C, total);
  }
  return SyncNormalise::apply(x_bCX, weight_C, bias_C, batch_mean_C, batch_variance_C, total, epsilon_,
                              mode.sum_over_ranks);
}

}  // namespace lodestone::encoders
