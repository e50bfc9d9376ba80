#pragma once

#include <ATen/TracerMode.h>
#include <ATen/core/Tensor.h>

namespace lodestone::encoders {

/// Converts images to channels-last order, in which convolutions and pools run faster on CPUs, and on GPUs in
/// half precision. An image of one channel is in both orders at once and contiguous() does not change it; its
/// strides must then say which order is meant, or the convolutions take the other one. Not while the network
/// is traced: the number of rows would become a constant.
inline at::Tensor channels_last(const at::Tensor& pixels_nCHW) {
  const at::Tensor x = pixels_nCHW.contiguous(at::MemoryFormat::ChannelsLast);
  if (at::tracer::impl::is_dispatch_enabled()) return x;
  const int64_t channels = x.size(1), width = x.size(3) * channels;
  return x.as_strided(x.sizes(), {x.size(2) * width, 1, width, channels});
}

}  // namespace lodestone::encoders
