#pragma once

#include <cstdint>
#include <vector>

#include "trainer/data_view/contents.h"

namespace lodestone::data_view {

/// Bounds of the comparison.
struct LookLimits {
  int64_t samples = 10'000;  ///< of each side
  double seconds = 3;        ///< of decoding each side
};

/// Evaluation samples that look like a training sample without being the same.
struct LookAlikes {
  int64_t trained = 0, evaluated = 0;  ///< samples that were compared
  int64_t alike = 0;                   ///< evaluation samples with a look-alike
  std::vector<SamplePair> examples;    ///< training and evaluation sample, the most similar first
};

/// Compares images, except `copies` of the training data, by small copies of them, texts by their letters.
/// Math      images: cosine of the pixels of a 16 × 16 copy (9 × 9 in colour), less their mean, >= 0.985;
///           images without any contrast are left out. Texts: |A ∩ B| / |A ∪ B| >= 0.8, A and B the sets of
///           letter trigrams, of the first 400 bytes
/// Cost      decodes the samples; 512 flops per pair of images
LookAlikes find_look_alikes(const Side& training, const Side& evaluation, const Duplicates& copies,
                            const LookLimits& limits = {});

}  // namespace lodestone::data_view
