#include "trainer/encoders/convolution.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <string_view>

#include <ATen/Parallel.h>
#include <ATen/TracerMode.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/im2col.h>
#include <ATen/ops/mkldnn_reorder_conv2d_weight.h>
#include <ATen/ops/mm.h>

#include "trainer/encoders/dense_convolution.h"

namespace lodestone::encoders {

namespace {

constexpr int64_t kFewPixels = 4;
constexpr int64_t kManyRows = 32;
constexpr int64_t kBlockedPixels = 16;

using HeldConvolution = at::Tensor(const at::Tensor& x, const at::Tensor& kernel,
                                   const std::optional<at::Tensor>& bias, at::IntArrayRef padding,
                                   at::IntArrayRef stride, at::IntArrayRef dilation, int64_t groups,
                                   std::string_view then, c10::List<std::optional<at::Scalar>> scalars,
                                   std::optional<std::string_view> algorithm);

// ATen's only convolution of a packed kernel with rows that are not packed. Missing in LibTorch without
// oneDNN.
std::optional<c10::TypedOperatorHandle<HeldConvolution>> held_convolution() {
  static const auto found = c10::Dispatcher::singleton().findSchema({"mkldnn::_convolution_pointwise", ""});
  if (!found) return std::nullopt;
  return found->typed<HeldConvolution>();
}

int64_t threads() {
  return at::in_parallel_region() ? 1 : at::get_num_threads();
}

// A trace would keep the number of rows, or a packed kernel, as a constant.
bool plain_floats(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && !at::tracer::impl::is_dispatch_enabled();
}

// With AVX-512, oneDNN's kernels for channels-last images of few pixels are a third slower than those for its
// blocks; images that are not channels-last are converted to blocks.
bool wants_blocks([[maybe_unused]] const at::Tensor& x_bCHW) {
#if defined(__x86_64__)
  static const bool has_avx512 = __builtin_cpu_supports("avx512f");
  return has_avx512 && plain_floats(x_bCHW) && x_bCHW.size(2) * x_bCHW.size(3) <= kBlockedPixels;
#else
  return false;
#endif
}

}  // namespace

/// A held kernel, converted in the first forward to the order for many rows.
class PackedKernel {
 public:
  const at::Tensor& dense(const at::Tensor& kernel_OCkk, const at::Tensor& x_bCHW) {
    std::call_once(once_, [&] { kernel_ = dense_matrix(kernel_OCkk.detach(), x_bCHW); });
    return kernel_;
  }

  const at::Tensor& of(const at::Tensor& kernel_OCkk, int64_t stride, int64_t padding,
                       at::IntArrayRef input) {
    std::call_once(once_, [&] {
      const at::DimVector many = {std::max(kManyRows, threads()), input[1], input[2], input[3]};
      kernel_ = at::mkldnn_reorder_conv2d_weight(kernel_OCkk.detach().to_mkldnn(), {padding, padding},
                                                 {stride, stride}, {1, 1}, 1, at::OptionalIntArrayRef(many));
    });
    return kernel_;
  }

 private:
  std::once_flag once_;
  at::Tensor kernel_;
};

Convolution::Convolution(at::Tensor kernel_OCkk, int64_t stride, int64_t padding)
    : kernel_OCkk_(std::move(kernel_OCkk)), stride_(stride), padding_(padding) {}

void Convolution::hold() {
  packed_ = std::make_shared<PackedKernel>();
}

int64_t Convolution::outputs(int64_t pixels) const {
  return (pixels + 2 * padding_ - kernel_OCkk_.size(2)) / stride_ + 1;
}

bool Convolution::unfolds(const at::Tensor& x_bCHW) const {
  return kernel_OCkk_.size(2) > 1 && outputs(x_bCHW.size(2)) * outputs(x_bCHW.size(3)) <= kFewPixels &&
         x_bCHW.size(0) > 0;
}

at::Tensor Convolution::unfolded(const at::Tensor& x_bCHW) const {
  const int64_t size = kernel_OCkk_.size(2);
  const at::Tensor patches_bPL =
      at::im2col(x_bCHW, {size, size}, /*dilation=*/{1, 1}, {padding_, padding_}, {stride_, stride_});
  const at::Tensor patches_nP = patches_bPL.transpose(1, 2).flatten(0, 1);
  const at::Tensor y_nO = at::mm(patches_nP, kernel_OCkk_.flatten(1).t());
  return y_nO.view({x_bCHW.size(0), outputs(x_bCHW.size(2)), outputs(x_bCHW.size(3)), kernel_OCkk_.size(0)})
      .permute({0, 3, 1, 2});
}

at::Tensor Convolution::forward(const at::Tensor& x_bCHW) const {
  if (plain_floats(x_bCHW)) {
    const bool held = packed_ && !at::GradMode::is_enabled();
    if (is_dense(x_bCHW, kernel_OCkk_, stride_, padding_)) {
      if (held) return dense_convolution_by(packed_->dense(kernel_OCkk_, x_bCHW), x_bCHW);
      // Not under autocast, which would round in the forward pass but not in the backward pass.
      if (x_bCHW.size(0) >= kManyRows && !at::autocast::is_autocast_enabled(at::kCPU))
        return dense_convolution(x_bCHW, kernel_OCkk_);
    }
    if (unfolds(x_bCHW)) return unfolded(x_bCHW);
    // Requires at least one row per thread; with fewer, oneDNN would convert the kernel in each forward.
    if (held && x_bCHW.size(0) >= threads())
      if (const auto convolve = held_convolution())
        return convolve->call(x_bCHW, packed_->of(kernel_OCkk_, stride_, padding_, x_bCHW.sizes()),
                              std::nullopt, {padding_, padding_}, {stride_, stride_}, {1, 1}, 1, "none",
                              c10::List<std::optional<at::Scalar>>(), "");
  }
  return at::conv2d(wants_blocks(x_bCHW) ? x_bCHW.contiguous() : x_bCHW, kernel_OCkk_, {}, stride_, padding_);
}

}  // namespace lodestone::encoders
