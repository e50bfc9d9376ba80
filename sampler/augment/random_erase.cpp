#include "sampler/augment/random_erase.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "common/keys_without_effect.h"

namespace lodestone::sampler {

void RandomEraseConfig::visit(Fields& f) {
  f.field({.name = "probability", .doc = "probability that a rectangle is erased", .min = 0, .max = 1},
          &probability);
  if (probability == 0)
    without_effect(f, {"scale_min", "scale_max", "ratio_min", "ratio_max", "value"},
                   "while erase.probability is 0; set it, or leave this out");
  f.field({.name = "scale_min",
           .doc = "smallest rectangle, as a fraction of the input's area",
           .min = 1e-4,
           .max = 1},
          &scale_min);
  f.field({.name = "scale_max",
           .doc = "largest rectangle, as a fraction of the input's area",
           .min = 1e-4,
           .max = 1},
          &scale_max);
  f.field({.name = "ratio_min",
           .doc = "smallest aspect ratio (height / width) of the rectangle",
           .min = 0.05,
           .max = 20},
          &ratio_min);
  f.field({.name = "ratio_max",
           .doc = "largest aspect ratio (height / width) of the rectangle",
           .min = 0.05,
           .max = 20},
          &ratio_max);
  f.field({.name = "value",
           .doc = "value written into the rectangle, after normalisation (0: the mean)",
           .min = -1000,
           .max = 1000},
          &value);
}

void RandomEraseConfig::check() const {
  if (scale_min > 0 && scale_min <= scale_max && ratio_min > 0 && ratio_min <= ratio_max) return;
  throw ConfigError("erase: expected 0 < scale_min <= scale_max and 0 < ratio_min <= ratio_max, got " +
                    std::to_string(scale_min) + ", " + std::to_string(scale_max) + ", " +
                    std::to_string(ratio_min) + " and " + std::to_string(ratio_max));
}

std::optional<Box> random_erase(int width, int height, const RandomEraseConfig& config, Random random) {
  const double area = static_cast<double>(width) * height;
  for (int draw = 0; draw < 10; ++draw) {
    const double part = area * random.uniform(config.scale_min, config.scale_max);
    const double ratio = std::exp(random.uniform(std::log(config.ratio_min), std::log(config.ratio_max)));
    const auto h = static_cast<int>(std::nearbyint(std::sqrt(part * ratio)));
    const auto w = static_cast<int>(std::nearbyint(std::sqrt(part / ratio)));
    if (h >= height || w >= width) continue;
    const auto y = static_cast<int>(random.below(static_cast<uint64_t>(height - h + 1)));
    const auto x = static_cast<int>(random.below(static_cast<uint64_t>(width - w + 1)));
    return Box{x, y, w, h};
  }
  return {};
}

void fill_box(std::span<float> planes_CHW, int width, int height, const Box& box, float value) {
  const size_t plane = static_cast<size_t>(width) * static_cast<size_t>(height);
  for (size_t begin = 0; begin < planes_CHW.size(); begin += plane)
    for (int y = box.y; y < box.y + box.height; ++y)
      std::fill_n(planes_CHW.begin() + static_cast<std::ptrdiff_t>(begin) + y * width + box.x, box.width,
                  value);
}

}  // namespace lodestone::sampler
