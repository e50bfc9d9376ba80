#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/fields.h"
#include "sampler/decode.h"
#include "sampler/image.h"

namespace lodestone {

/// How pictures become tensors. Angles and shifts are drawn uniformly in ±value, the scale log-uniformly.
struct ImageTransformConfig {
  int64_t width = 28;
  int64_t height = 28;
  int64_t channels = 1;
  bool invert = false;
  double rotation = 10.0;
  double shift = 0.08;
  double scale_min = 0.85;
  double scale_max = 1.15;
  double shear = 8.0;
  bool flip = false;
  double brightness = 0.0;
  double contrast = 0.0;
  std::optional<double> background;
  std::vector<double> mean = {0.5};
  std::vector<double> std = {0.5};

  void visit(Fields& f);
};

/// What one random draw of the augmentation depends on, beside the seed.
struct AugmentKey {
  int64_t epoch = 0;
  int64_t position = 0;
  int32_t view = 0;
  uint64_t id = 0;
};

/// Turns an Image into normalised floats of fixed size.
/// Math      resize to (width, height): the mean over the covered area when shrinking, bilinear when
/// enlarging;
///           v = pixel/255, or 1 - pixel/255 with invert; augmentation; out = (v - mean_c) / std_c
/// Augment   the picture, at up to twice the target size so that no detail is lost, is looked up through the
/// inverse of
///           centre · shift · rotation · shear · scale · flip, bilinearly; outside it lies the background
///           (`background`, or else the median of the picture's own border, per channel). Then v = (v -
///           0.5)·contrast + 0.5 + brightness.
/// Random    Random(seed, Purpose::kAugment, hash(epoch, position, view), id): independent of threads, ranks
/// and order Shapes    out_CHW has channels · height · width floats Cost      28×28 from 105×105: about 30 µs of one core
/// Throws    ConfigError (constructor) if mean or std have neither 1 nor `channels` entries, a std is not
/// positive or
///           scale_min > scale_max; DataError if an image has another number of channels
/// Threads   const methods are safe concurrently
class ImageTransform {
 public:
  explicit ImageTransform(ImageTransformConfig config, uint64_t seed = 0);

  /// Without augmentation: for evaluation and galleries.
  void plain(const Image& image, std::span<float> out_CHW) const;
  void augmented(const Image& image, const AugmentKey& key, std::span<float> out_CHW) const;

  const ImageTransformConfig& config() const { return config_; }
  /// Floats per picture.
  int64_t numel() const { return config_.channels * config_.height * config_.width; }
  /// What a data set should decode for this transform: its channels, and JPEGs no smaller than twice the
  /// target.
  DecodeOptions decode_options() const;

 private:
  void normalise(std::span<float> out_CHW) const;

  ImageTransformConfig config_;
  uint64_t seed_;
};

}  // namespace lodestone
