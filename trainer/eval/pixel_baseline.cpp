#include "trainer/eval/pixel_baseline.h"

#include <string>

#include "common/error.h"

namespace lodestone::eval {

at::Tensor pixel_rows(const at::Tensor& images_NCHW) {
  if (images_NCHW.dim() < 2) {
    throw Error("pixel baseline: expected images [N, C, H, W] or [N, H, W], got " +
                std::to_string(images_NCHW.dim()) + " dimensions");
  }
  const at::Tensor rows_ND = images_NCHW.detach().to(at::kCPU, at::kFloat).flatten(1).contiguous();
  return images_NCHW.scalar_type() == at::kByte ? rows_ND.div(255) : rows_ND;
}

}  // namespace lodestone::eval
