#pragma once

#include <ATen/core/Tensor.h>

namespace lodestone::eval {

/// The baseline of nearest neighbours on raw pixels, without learning. Evaluate these rows with
/// Similarity::kL2 (the usual pixel baseline) or kCosine exactly as the model's embeddings, and report both
/// metrics.
/// Shapes    images [N, C, H, W] or [N, H, W], uint8 (scaled to [0, 1]) or floating; returns float32 [N,
///           C·H·W]
/// Throws    Error for fewer than two dimensions
at::Tensor pixel_rows(const at::Tensor& images_NCHW);

}  // namespace lodestone::eval
