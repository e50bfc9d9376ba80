#include "trainer/encoders/convolution.h"

#include <ATen/TracerMode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/im2col.h>
#include <ATen/ops/mm.h>

namespace lodestone {

namespace {

constexpr int64_t kFewPixels = 4;

}  // namespace

at::Tensor convolution(const at::Tensor& x_bCHW, const at::Tensor& kernel_OCkk, int64_t stride, int64_t padding) {
  const int64_t size = kernel_OCkk.size(2), rows = x_bCHW.size(0), channels = kernel_OCkk.size(0);
  const auto outputs = [&](int64_t pixels) { return (pixels + 2 * padding - size) / stride + 1; };
  const int64_t height = outputs(x_bCHW.size(2)), width = outputs(x_bCHW.size(3));
  // A trace would keep the number of rows as a constant.
  const bool unfold = size > 1 && height * width <= kFewPixels && rows > 0 && x_bCHW.is_cpu() &&
                      x_bCHW.scalar_type() == at::kFloat && !at::tracer::impl::is_dispatch_enabled();
  if (!unfold) return at::conv2d(x_bCHW, kernel_OCkk, {}, stride, padding);
  const at::Tensor patches_bPL =
      at::im2col(x_bCHW, {size, size}, /*dilation=*/{1, 1}, {padding, padding}, {stride, stride});
  const at::Tensor patches_nP = patches_bPL.transpose(1, 2).flatten(0, 1);
  const at::Tensor y_nO = at::mm(patches_nP, kernel_OCkk.flatten(1).t());
  return y_nO.view({rows, height, width, channels}).permute({0, 3, 1, 2});
}

}  // namespace lodestone
