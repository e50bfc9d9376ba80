#pragma once

#include "distributed/reductions/gradient_sync.h"
#include "trainer/encoders/encoder.h"
#include "trainer/engine/precision.h"

namespace lodestone::engine {

/// Encodes a batch in micro-batches, so that only one of them has activations in memory, yet with the
/// gradient of the whole batch: gradient caching (Gao et al. 2021). `encode` runs all micro-batches without a
/// graph; the loss then sees the whole batch once; `backward` encodes each micro-batch again, with the same
/// random numbers, and propagates its part of the gradient. Works for any loss. Batch norm with local
/// statistics uses those of each micro-batch and updates the running statistics in the first pass only.
/// Statistics of the global batch would need all of it at once and are not offered with micro-batches.
/// Ranks     backward is collective: one reduction of the gradients, during the last micro-batch
/// Cost      one more forward pass; memory of one micro-batch's activations
class GradientCache {
 public:
  /// micro_batch 0: no micro-batches; encode keeps the graph and backward uses it. `precision` is that of
  /// Autocast.
  GradientCache(encoders::Encoder& encoder, distributed::GradientSync& sync, int64_t micro_batch,
                Precision precision)
      : encoder_(encoder), sync_(sync), micro_batch_(micro_batch), precision_(precision) {}

  /// z_bD, detached, at least float32.
  at::Tensor encode(const Features& x, const encoders::ForwardMode& mode);
  /// Accumulates parameter gradients from dL/dz of what encode returned. The caller calls sync.finish().
  void backward(const at::Tensor& gradient_bD);

 private:
  at::Tensor encode_part(int64_t begin, const encoders::ForwardMode& mode);

  encoders::Encoder& encoder_;
  distributed::GradientSync& sync_;
  int64_t micro_batch_;
  Precision precision_;
  Features x_;
  at::Tensor z_bD_;
  encoders::ForwardMode mode_;
};

}  // namespace lodestone::engine
