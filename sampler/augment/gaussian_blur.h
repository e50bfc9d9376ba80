#pragma once

#include "common/fields.h"
#include "sampler/augment/planes.h"

namespace lodestone::sampler {

/// Random blur: sigma is drawn uniformly from [sigma_min, sigma_max].
struct GaussianBlurConfig {
  double probability = 0.0;
  int64_t kernel = 0;
  double sigma_min = 0.1;
  double sigma_max = 2.0;

  void visit(Fields& f);
  /// Throws ConfigError unless kernel is 0 or odd and 0 < sigma_min <= sigma_max.
  void check() const;
};

/// The kernel's width for an image: the configured one, or a tenth of the shorter side made odd; limited by
/// the sides.
int kernel_width(const GaussianBlurConfig& config, int width, int height);

/// Blurs an image as torchvision's GaussianBlur does.
/// Math      each axis is convolved with exp(-x²/(2σ²)), x = -k/2..k/2 in whole pixels, normalised to sum 1;
///           edges are mirrored about the border pixels.
/// Cost      2 · kernel multiplications per value.
/// Requires  kernel odd, kernel / 2 below both sides; sigma > 0.
void gaussian_blur(Planes& planes, int kernel, double sigma);

}  // namespace lodestone::sampler
