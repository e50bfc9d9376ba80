#include "trainer/encoders/fused_norm.h"

#include <optional>

#include <ATen/TensorOperators.h>
#include <ATen/TracerMode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "trainer/encoders/norm_kernels.h"
#include "trainer/encoders/rank_sum.h"

namespace lodestone::encoders {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows of C channels, one per pixel.
at::Tensor as_rows(const at::Tensor& x_bCX) {
  return x_bCX.contiguous(x_bCX.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
}

norm_kernels::Size size_of(const at::Tensor& x_bCX) {
  if (x_bCX.dim() == 2) return {x_bCX.size(0), 1, 1, x_bCX.size(1)};
  return {x_bCX.size(0), x_bCX.size(2), x_bCX.size(3), x_bCX.size(1)};
}

const float* read(const at::Tensor& x) {
  return x.defined() ? x.const_data_ptr<float>() : nullptr;
}
float* write(at::Tensor& x) {
  return x.defined() ? x.mutable_data_ptr<float>() : nullptr;
}

at::Tensor pooled_like(const at::Tensor& x_bCHW, at::ScalarType type) {
  return at::empty({x_bCHW.size(0), x_bCHW.size(1), x_bCHW.size(2) / 2, x_bCHW.size(3) / 2},
                   x_bCHW.options().dtype(type), at::MemoryFormat::ChannelsLast);
}

// What the backward pass needs of the pixels that a pool has chosen; undefined: nothing is kept.
struct Chosen {
  at::Tensor x, place;
};

at::Tensor normed(const HeldNorm& by, AfterNorm after, const at::Tensor& x_bCX,
                  const std::optional<at::Tensor>& residual_bCX, Chosen chosen) {
  const norm_kernels::Size size = size_of(x_bCX);
  if (after == AfterNorm::kPoolRelu) {
    at::Tensor y = pooled_like(x_bCX, at::kFloat);
    norm_kernels::affine_pool(read(x_bCX), size, read(by.a_C), read(by.b_C), write(y), write(chosen.x),
                              chosen.place.defined() ? chosen.place.mutable_data_ptr<uint8_t>() : nullptr);
    return y;
  }
  at::Tensor y = at::empty_like(x_bCX);
  const at::Tensor residual = residual_bCX ? as_rows(*residual_bCX) : at::Tensor();
  norm_kernels::affine(read(x_bCX), read(residual), size.pixels(), size.channels, read(by.a_C), read(by.b_C),
                       after == AfterNorm::kNothing, write(y));
  return y;
}

// The slope and 1 / sqrt(variance + epsilon), in double precision, and what the kernels compute with.
struct Slope {
  Slope(const at::Tensor& weight_C, const at::Tensor& bias_C, const NormStatistics& statistics,
        double epsilon)
      : scale_C(at::rsqrt(statistics.variance_C + epsilon)),
        a_C(weight_C.to(at::kDouble) * scale_C),
        held{a_C.to(at::kFloat), (bias_C - statistics.mean_C * a_C).to(at::kFloat)} {}
  at::Tensor scale_C, a_C;
  HeldNorm held;
};

std::optional<at::Tensor> optional(const at::Tensor& x) {
  return x.defined() ? std::optional(x) : std::nullopt;
}

struct FusedNorm : torch::autograd::Function<FusedNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& given_bCX, const at::Tensor& weight_C,
                            const at::Tensor& bias_C, const std::optional<at::Tensor>& residual_bCX,
                            AfterNorm after, const NormStatistics& statistics, double epsilon,
                            const SumOverRanks& sum_over_ranks) {
    const at::Tensor x_bCX = as_rows(given_bCX);
    const Slope slope(weight_C, bias_C, statistics, epsilon);
    Chosen chosen;
    if (after == AfterNorm::kPoolRelu)
      chosen = {pooled_like(x_bCX, at::kFloat), pooled_like(x_bCX, at::kByte)};
    at::Tensor y = normed(slope.held, after, x_bCX, residual_bCX, chosen);
    context->save_for_backward({x_bCX, after == AfterNorm::kRelu ? y : at::Tensor(), chosen.x, chosen.place,
                                slope.a_C, slope.scale_C, statistics.mean_C});
    context->saved_data["total"] = statistics.total;
    context->saved_data["has_residual"] = residual_bCX.has_value();
    context->saved_data["sum_over_ranks"] = RankSum::keep(sum_over_ranks);
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x_bCX = saved[0], &y_bCX = saved[1], &chosen = saved[2], &place = saved[3];
    const at::Tensor &a_C = saved[4], &scale_C = saved[5], &mean_C = saved[6];
    const double total = context->saved_data["total"].toDouble();
    const norm_kernels::Size size = size_of(x_bCX);
    const at::Tensor dy = as_rows(gradients[0]), mean = mean_C.to(at::kFloat);
    // Σg and Σg(x - mean).
    at::Tensor sums_2C = at::empty({2, size.channels}, mean_C.options());
    double* sum = sums_2C.mutable_data_ptr<double>();
    const bool pooled = place.defined();
    if (pooled) {
      norm_kernels::pooled_slope_sums(read(dy), read(chosen), place.const_data_ptr<uint8_t>(), size.pooled(),
                                      size.channels, read(mean), sum, sum + size.channels);
    } else {
      norm_kernels::slope_sums(read(dy), read(y_bCX), read(x_bCX), size.pixels(), size.channels, read(mean),
                               sum, sum + size.channels);
    }
    const at::Tensor bias_gradient_C = sums_2C[0].to(at::kFloat);
    const at::Tensor weight_gradient_C = (sums_2C[1] * scale_C).to(at::kFloat);
    // dx = a (g - mean(g) - xhat mean(g xhat)), ordered by powers of x.
    at::Tensor slope_C = at::zeros_like(a_C), offset_C = slope_C;
    if (total > 0) {
      const SumOverRanks& sum_over_ranks = RankSum::kept(context->saved_data["sum_over_ranks"]);
      const at::Tensor all_2C = (sum_over_ranks ? sum_over_ranks(sums_2C) : sums_2C) / total;
      slope_C = -a_C * scale_C * scale_C * all_2C[1];
      offset_C = -a_C * all_2C[0] - slope_C * mean_C;
    }
    const at::Tensor a = a_C.to(at::kFloat), slope = slope_C.to(at::kFloat), offset = offset_C.to(at::kFloat);
    at::Tensor dx = at::empty_like(x_bCX), residual;
    if (pooled) {
      norm_kernels::pooled_slopes(read(dy), place.const_data_ptr<uint8_t>(), read(x_bCX), size, read(a),
                                  read(slope), read(offset), write(dx));
    } else {
      if (context->saved_data["has_residual"].toBool()) residual = at::empty_like(x_bCX);
      norm_kernels::slopes(read(dy), read(y_bCX), read(x_bCX), size.pixels(), size.channels, read(a),
                           read(slope), read(offset), write(dx), write(residual));
    }
    return {dx, weight_gradient_C, bias_gradient_C, residual, {}, {}, {}, {}};
  }
};

}  // namespace

bool fused_norm_fits(const at::Tensor& x_bCX) {
  // A trace does not see into the kernels: it would store their result as a constant.
  if (at::tracer::impl::is_dispatch_enabled()) return false;
  return x_bCX.is_cpu() && x_bCX.scalar_type() == at::kFloat && (x_bCX.dim() == 2 || x_bCX.dim() == 4) &&
         x_bCX.size(1) % norm_kernels::kLanes == 0;
}

NormStatistics fused_moments(const at::Tensor& x_bCX) {
  at::NoGradGuard no_grad;
  const at::Tensor x = as_rows(x_bCX);
  const norm_kernels::Size size = size_of(x);
  NormStatistics statistics{
      at::empty({size.channels}, x.options().dtype(at::kDouble)), {}, static_cast<double>(size.pixels())};
  statistics.variance_C = at::empty_like(statistics.mean_C);
  norm_kernels::moments(read(x), size.pixels(), size.channels, statistics.mean_C.mutable_data_ptr<double>(),
                        statistics.variance_C.mutable_data_ptr<double>());
  if (size.pixels() > 0) statistics.variance_C.div_(statistics.total);
  return statistics;
}

at::Tensor fused_norm(AfterNorm after, const at::Tensor& x_bCX, const at::Tensor& weight_C,
                      const at::Tensor& bias_C, const at::Tensor& residual_bCX,
                      const NormStatistics& statistics, double epsilon, const SumOverRanks& sum_over_ranks) {
  return FusedNorm::apply(x_bCX, weight_C, bias_C, optional(residual_bCX), after, statistics, epsilon,
                          sum_over_ranks);
}

HeldNorm held_norm(const at::Tensor& weight_C, const at::Tensor& bias_C, const NormStatistics& statistics,
                   double epsilon) {
  at::NoGradGuard no_grad;
  return Slope(weight_C, bias_C, statistics, epsilon).held;
}

at::Tensor fused_norm_by(const HeldNorm& held, AfterNorm after, const at::Tensor& x_bCX,
                         const at::Tensor& residual_bCX) {
  return normed(held, after, as_rows(x_bCX), optional(residual_bCX), {});
}

}  // namespace lodestone::encoders
