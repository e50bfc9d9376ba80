#pragma once

#include <array>
#include <cstdint>

#include "sampler/image.h"

namespace lodestone::data {

/// A letter drawn at 20 × 20 pixels, for comparing drawings.
struct Sketch {
  static constexpr int kSize = 20;
  static constexpr int kDrawnSize = 2 * kSize;  ///< size of the image that a sketch is made from

  std::array<uint8_t, kSize * kSize> pixels{};
  int ink = 0;  ///< the sum of the pixels

  /// Requires a grey image of kDrawnSize × kDrawnSize.
  explicit Sketch(const sampler::Image& image);
};

/// Whether two drawings are the same to the eye: Σ|a - b| <= tolerance · max(ink).
bool same_drawing(const Sketch& a, const Sketch& b, double tolerance);

/// The tolerance between two letters of one typeface: exact up to rounding. é and è differ by 0.1 and more.
inline constexpr double kSameDrawing = 0.03;

/// The tolerance between two typefaces' drawings of one letter, below which one copies the other (Arimo and
/// Liberation Sans, Padauk and Padauk Book). Regular and bold, serif and sans mostly differ by 0.2 and
/// more.
inline constexpr double kCopiedDrawing = 0.12;

}  // namespace lodestone::data
