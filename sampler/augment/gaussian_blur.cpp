#include "sampler/augment/gaussian_blur.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "common/keys_without_effect.h"

namespace lodestone::sampler {

void GaussianBlurConfig::visit(Fields& f) {
  f.field({.name = "probability", .doc = "probability that an image is blurred", .min = 0, .max = 1},
          &probability);
  if (probability == 0)
    without_effect(f, {"kernel", "sigma_min", "sigma_max"},
                   "while blur.probability is 0; set it, or leave this out");
  f.field({.name = "kernel",
           .doc = "kernel width, odd; 0: a tenth of the input's shorter side",
           .unit = "pixels",
           .min = 0,
           .max = 511},
          &kernel);
  f.field({.name = "sigma_min",
           .doc = "smallest standard deviation of the kernel",
           .unit = "pixels",
           .min = 0.01,
           .max = 100},
          &sigma_min);
  f.field({.name = "sigma_max",
           .doc = "largest standard deviation of the kernel",
           .unit = "pixels",
           .min = 0.01,
           .max = 100},
          &sigma_max);
}

void GaussianBlurConfig::check() const {
  if ((kernel == 0 || kernel % 2 == 1) && sigma_min > 0 && sigma_min <= sigma_max) return;
  throw ConfigError("blur: expected an odd kernel (or 0) and 0 < sigma_min <= sigma_max, got " +
                    std::to_string(kernel) + ", " + std::to_string(sigma_min) + " and " +
                    std::to_string(sigma_max));
}

int kernel_width(const GaussianBlurConfig& config, int width, int height) {
  const int side = std::min(width, height);
  const int wanted = config.kernel > 0 ? static_cast<int>(config.kernel) : std::max(3, side / 10) | 1;
  return std::min(wanted, 2 * side - 1);
}

void gaussian_blur(Planes& planes, int kernel, double sigma) {
  const int half = kernel / 2;
  std::vector<float> weights;
  double sum = 0.0;
  for (int x = -half; x <= half; ++x) sum += std::exp(-0.5 * x * x / (sigma * sigma));
  for (int x = -half; x <= half; ++x)
    weights.push_back(static_cast<float>(std::exp(-0.5 * x * x / (sigma * sigma)) / sum));
  const int width = planes.width;
  const int height = planes.height;
  const auto mirrored = [](int at, int size) { return at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at; };
  std::vector<float> padded(static_cast<size_t>(width + 2 * half));
  std::vector<float> across(planes.plane_size());
  for (int c = 0; c < planes.channels; ++c) {
    float* plane = planes.values.data() + static_cast<size_t>(c) * planes.plane_size();
    for (int y = 0; y < height; ++y) {
      const float* row = plane + y * width;
      for (int x = -half; x < width + half; ++x)
        padded[static_cast<size_t>(x + half)] = row[mirrored(x, width)];
      float* out = across.data() + y * width;
      std::fill(out, out + width, 0.0f);
      for (size_t k = 0; k < weights.size(); ++k)
        for (int x = 0; x < width; ++x) out[x] += weights[k] * padded[static_cast<size_t>(x) + k];
    }
    std::fill(plane, plane + planes.plane_size(), 0.0f);
    for (int y = 0; y < height; ++y)
      for (int k = -half; k <= half; ++k) {
        const float* row = across.data() + mirrored(y + k, height) * width;
        const float weight = weights[static_cast<size_t>(k + half)];
        for (int x = 0; x < width; ++x) plane[y * width + x] += weight * row[x];
      }
  }
}

}  // namespace lodestone::sampler
