#include "trainer/data/sketch.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>

namespace lodestone::data {

Sketch::Sketch(const sampler::Image& image) {
  for (int y = 0; y < kSize; ++y)
    for (int x = 0; x < kSize; ++x) {
      const int sum = image.at(2 * x, 2 * y) + image.at(2 * x + 1, 2 * y) + image.at(2 * x, 2 * y + 1) +
                      image.at(2 * x + 1, 2 * y + 1);
      pixels[static_cast<size_t>(y * kSize + x)] = static_cast<uint8_t>((sum + 2) / 4);
      ink += (sum + 2) / 4;
    }
}

bool same_drawing(const Sketch& a, const Sketch& b, double tolerance) {
  const int allowed = static_cast<int>(tolerance * std::max(a.ink, b.ink));
  if (std::abs(a.ink - b.ink) > allowed) return false;  // |Σa - Σb| <= Σ|a - b|
  int difference = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) difference += std::abs(a.pixels[i] - b.pixels[i]);
  return difference <= allowed;
}

}  // namespace lodestone::data
