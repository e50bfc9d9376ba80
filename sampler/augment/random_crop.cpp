#include "sampler/augment/random_crop.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "common/keys_without_effect.h"

namespace lodestone::sampler {

namespace {

int rounded(double value) {
  return static_cast<int>(std::nearbyint(value));
}

}  // namespace

void RandomCropConfig::visit(Fields& f) {
  f.field({.name = "probability", .doc = "probability of a random crop", .min = 0, .max = 1}, &probability);
  if (probability == 0)
    without_effect(f, {"scale_min", "scale_max", "ratio_min", "ratio_max"},
                   "while crop.probability is 0; set it, or leave this out");
  f.field(
      {.name = "scale_min", .doc = "smallest crop, as a fraction of the image's area", .min = 1e-4, .max = 1},
      &scale_min);
  f.field(
      {.name = "scale_max", .doc = "largest crop, as a fraction of the image's area", .min = 1e-4, .max = 1},
      &scale_max);
  f.field({.name = "ratio_min",
           .doc = "smallest aspect ratio (width / height) of the crop",
           .min = 0.05,
           .max = 20},
          &ratio_min);
  f.field({.name = "ratio_max",
           .doc = "largest aspect ratio (width / height) of the crop",
           .min = 0.05,
           .max = 20},
          &ratio_max);
}

void RandomCropConfig::check() const {
  if (scale_min > 0 && scale_min <= scale_max && ratio_min > 0 && ratio_min <= ratio_max) return;
  throw ConfigError("crop: expected 0 < scale_min <= scale_max and 0 < ratio_min <= ratio_max, got " +
                    std::to_string(scale_min) + ", " + std::to_string(scale_max) + ", " +
                    std::to_string(ratio_min) + " and " + std::to_string(ratio_max));
}

Box random_crop(int width, int height, const RandomCropConfig& config, Random random) {
  const double area = static_cast<double>(width) * height;
  for (int draw = 0; draw < 10; ++draw) {
    const double part = area * random.uniform(config.scale_min, config.scale_max);
    const double ratio = std::exp(random.uniform(std::log(config.ratio_min), std::log(config.ratio_max)));
    const int w = rounded(std::sqrt(part * ratio));
    const int h = rounded(std::sqrt(part / ratio));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const auto y = static_cast<int>(random.below(static_cast<uint64_t>(height - h + 1)));
    const auto x = static_cast<int>(random.below(static_cast<uint64_t>(width - w + 1)));
    return {x, y, w, h};
  }
  return middle(width, height,
                std::clamp(static_cast<double>(width) / height, config.ratio_min, config.ratio_max));
}

Box middle(int width, int height, double aspect) {
  const int w = std::clamp(rounded(height * aspect), 1, width);
  const int h = std::clamp(rounded(width / aspect), 1, height);
  return {(width - w) / 2, (height - h) / 2, w, h};
}

}  // namespace lodestone::sampler
