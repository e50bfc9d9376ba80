#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/fields.h"
#include "sampler/augment/colour_jitter.h"
#include "sampler/augment/gaussian_blur.h"
#include "sampler/augment/random_crop.h"
#include "sampler/augment/random_erase.h"
#include "sampler/codecs/decode.h"
#include "sampler/image.h"

namespace lodestone {

/// How pictures become tensors. Angles and shifts are drawn uniformly in ±value, the scale log-uniformly.
struct ImageTransformConfig {
  int64_t width = 28;
  int64_t height = 28;
  int64_t channels = 1;
  std::string fit = "stretch";
  bool invert = false;
  RandomCropConfig crop;
  double flip = 0.0;
  double affine_probability = 1.0;
  double rotation = 10.0;
  double shift = 0.08;
  double scale_min = 0.85;
  double scale_max = 1.15;
  double shear = 8.0;
  std::optional<double> background;
  ColourJitterConfig jitter;
  double grey = 0.0;
  GaussianBlurConfig blur;
  RandomEraseConfig erase;
  std::vector<double> mean = {0.5};
  std::vector<double> std = {0.5};
  int64_t max_pixels = int64_t{64} << 20;

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
/// Plain     resize to (width, height) from the whole picture, or with fit: crop from the largest middle part of that shape (planes.h
///           says how); v = pixel/255, or 1 - pixel/255 with invert; out = (v - mean_c) / std_c
/// Augment   in this order, each with its own probability: a random crop in place of the part above; mirrored left to right; moved
///           about its centre (affine.h), at up to three times the target size so that it comes out nearly as sharp as it does in Plain, before `background`, or else
///           the median of the picture's own border; colours changed (colour_jitter.h); made grey; blurred (gaussian_blur.h);
///           normalised; a rectangle erased (random_erase.h). Where torchvision has the same transform, this one's mathematics are
///           its; random numbers are of course others.
/// Random    each kind of change has a stream of its own, Random(seed, Purpose::kAugment, hash(epoch, position, view, kind), id):
///           independent of threads, ranks and order, and switching one kind on leaves the others as they were. Two views of a
///           sample (SimCLR) are two values of `view`.
/// Shapes    out_CHW has channels · height · width floats
/// Cost      28×28 from 105×105 by affine motion: about 100 µs of one core, half of it for the look-ups (affine.h)
/// Throws    ConfigError (constructor) if mean or std have neither 1 nor `channels` entries, a std is not positive, or a smallest
///           value exceeds its largest; DataError if an image has another number of channels
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
  /// What a data set should decode for this transform: its channels, and JPEGs no smaller than twice the target, or three times if they are moved, nor so small that
  /// the smallest random crop would be enlarged.
  DecodeOptions decode_options() const;

 private:
  Box whole(const Image& image) const;
  Planes placed(const Image& image, const AugmentKey& key) const;
  void normalise(std::span<float> out_CHW) const;

  ImageTransformConfig config_;
  uint64_t seed_;
};

}  // namespace lodestone
