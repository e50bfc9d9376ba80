#pragma once

#include "common/fields.h"
#include "sampler/augment/planes.h"

namespace lodestone {

struct GaussianBlurConfig {
  double probability = 0.0;
  int64_t kernel = 0;
  double sigma_min = 0.1;
  double sigma_max = 2.0;

  void visit(Fields& f);
  /// Throws ConfigError unless kernel is 0 or odd and sigma_min <= sigma_max.
  void check() const;
};

/// The width of the kernel for a picture: as configured, or a tenth of the shorter side made odd; at most the sides allow.
int kernel_width(const GaussianBlurConfig& config, int width, int height);

/// Math      each axis convolved with exp(-x²/(2σ²)), x = -k/2..k/2 in whole pixels, normalised to sum 1, edges mirrored about the
///           border pixels: torchvision's GaussianBlur
/// Requires  kernel odd, kernel / 2 below both sides; sigma > 0
/// Cost      2 · kernel multiplications per value
void gaussian_blur(Planes& planes, int kernel, double sigma);

}  // namespace lodestone
