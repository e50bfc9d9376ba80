#include "trainer/encoders/dense_convolution.h"

#include <algorithm>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/parallel.h"

namespace lodestone::encoders {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kTaps = 9;

/// The tap of the kernel that connects pixel `in` with pixel `out`.
struct Taps {
  explicit Taps(const at::Tensor& x_bCHW) : height(x_bCHW.size(2)), width(x_bCHW.size(3)) {}
  int64_t pixels() const { return height * width; }
  int64_t between(int64_t in, int64_t out) const {
    return (in / width - out / width + 1) * 3 + in % width - out % width + 1;
  }
  int64_t height, width;
};

// M, with the channels of outputs and inputs varying fastest, as in channels-last images.
at::Tensor matrix_of(const at::Tensor& kernel_OCkk, const Taps& taps) {
  const int64_t out = kernel_OCkk.size(0), in = kernel_OCkk.size(1), pixels = taps.pixels();
  const at::Tensor kernel = kernel_OCkk.contiguous();
  at::Tensor matrix = at::empty({pixels * out, pixels * in}, kernel.options());
  const float* from = kernel.const_data_ptr<float>();
  float* to = matrix.mutable_data_ptr<float>();
  parallel_ranges(out, 8, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o)
      for (int64_t p = 0; p < pixels; ++p)
        for (int64_t q = 0; q < pixels; ++q) {
          const float* tap = from + o * in * kTaps + taps.between(q, p);
          float* row = to + ((p * out + o) * pixels + q) * in;
          for (int64_t c = 0; c < in; ++c) row[c] = tap[c * kTaps];
        }
  });
  return matrix;
}

// The kernel's gradient: the sum of the entries of M for each tap.
at::Tensor kernel_of(const at::Tensor& matrix, at::IntArrayRef shape, const Taps& taps) {
  const int64_t out = shape[0], in = shape[1], pixels = taps.pixels();
  at::Tensor kernel = at::empty(shape, matrix.options());
  const float* from = matrix.const_data_ptr<float>();
  float* to = kernel.mutable_data_ptr<float>();
  parallel_ranges(out, 8, [&](int64_t begin, int64_t end) {
    std::fill(to + begin * in * kTaps, to + end * in * kTaps, 0.0f);
    for (int64_t o = begin; o < end; ++o)
      for (int64_t p = 0; p < pixels; ++p)
        for (int64_t q = 0; q < pixels; ++q) {
          float* tap = to + o * in * kTaps + taps.between(q, p);
          const float* row = from + ((p * out + o) * pixels + q) * in;
          for (int64_t c = 0; c < in; ++c) tap[c * kTaps] += row[c];
        }
  });
  return kernel;
}

// One image per row: a view of a channels-last tensor.
at::Tensor as_rows(const at::Tensor& x_bCHW) {
  return x_bCHW.permute({0, 2, 3, 1}).flatten(1).contiguous();
}

at::Tensor as_images(const at::Tensor& y_bP, const Taps& taps) {
  return y_bP.view({y_bP.size(0), taps.height, taps.width, y_bP.size(1) / taps.pixels()})
      .permute({0, 3, 1, 2});
}

struct DenseConvolution : torch::autograd::Function<DenseConvolution> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_bCHW,
                            const at::Tensor& kernel_OCkk) {
    const Taps taps(x_bCHW);
    const at::Tensor x_bQ = as_rows(x_bCHW), matrix_PQ = matrix_of(kernel_OCkk, taps);
    context->save_for_backward({x_bQ, matrix_PQ});
    context->saved_data["kernel"] = kernel_OCkk.sizes();
    return as_images(at::mm(x_bQ, matrix_PQ.t()), taps);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x_bQ = saved[0], &matrix_PQ = saved[1];
    const std::vector<int64_t> shape = context->saved_data["kernel"].toIntVector();
    const Taps taps(gradients[0]);
    const at::Tensor dy_bP = as_rows(gradients[0]);
    at::Tensor dx_bCHW, dkernel_OCkk;
    if (context->needs_input_grad(0)) dx_bCHW = as_images(at::mm(dy_bP, matrix_PQ), taps);
    if (context->needs_input_grad(1)) dkernel_OCkk = kernel_of(at::mm(dy_bP.t(), x_bQ), shape, taps);
    return {dx_bCHW, dkernel_OCkk};
  }
};

}  // namespace

bool is_dense(const at::Tensor& x_bCHW, const at::Tensor& kernel_OCkk, int64_t stride, int64_t padding) {
  return kernel_OCkk.size(2) == 3 && stride == 1 && padding == 1 &&
         std::max(x_bCHW.size(2), x_bCHW.size(3)) <= 2 && x_bCHW.numel() > 0;
}

at::Tensor dense_convolution(const at::Tensor& x_bCHW, const at::Tensor& kernel_OCkk) {
  return DenseConvolution::apply(x_bCHW, kernel_OCkk);
}

at::Tensor dense_convolution_by(const at::Tensor& matrix_QP, const at::Tensor& x_bCHW) {
  return as_images(at::mm(as_rows(x_bCHW), matrix_QP), Taps(x_bCHW));
}

at::Tensor dense_matrix(const at::Tensor& kernel_OCkk, const at::Tensor& x_bCHW) {
  return matrix_of(kernel_OCkk, Taps(x_bCHW)).t().contiguous();
}

}  // namespace lodestone::encoders
