#pragma once

#include <ATen/core/Tensor.h>

namespace lodestone {

/// The floor: what nearest neighbours reach without any learning, on raw pixels. Judge these rows with
/// Likeness::kL2 (the usual pixel baseline) or kCosine exactly as the model's embeddings, and write the
/// figure beside the model's.
/// Shapes    images [N, C, H, W] or [N, H, W], uint8 (scaled to [0, 1]) or floating; float32 [N, C·H·W]
/// Throws    Error for fewer than two dimensions
at::Tensor pixel_rows(const at::Tensor& images_NCHW);

}  // namespace lodestone
