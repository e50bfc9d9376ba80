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

namespace lodestone::sampler {

/// How an image of another shape becomes one of the target's shape.
enum class ImageFit {
  kStretch,
  kCrop,  ///< the largest centred part of the target's shape
};

/// How images become tensors. Angles and shifts are drawn uniformly from ±value, the scale log-uniformly.
struct ImageTransformConfig {
  int64_t width = 28;
  int64_t height = 28;
  int64_t channels = 1;
  ImageFit fit = ImageFit::kStretch;
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

/// The key of one augmentation's random draws, together with the seed.
struct AugmentKey {
  int64_t epoch = 0;
  int64_t position = 0;
  int32_t view = 0;
  uint64_t id = 0;
};

/// Converts an Image to normalised floats of fixed size, with or without augmentation.
/// Plain     resizes the whole image to (width, height), or with fit: crop the largest centred part of that
///           shape (planes.h); v = pixel/255, or 1 - pixel/255 with invert; out = (v - mean_c) / std_c.
/// Augment   in this order, each step with its own probability: a random crop instead of the part above;
///           mirrored left to right; an affine transform about the centre (affine.h), at up to three times
///           the target size so that the result is nearly as sharp as in Plain, on `background` or else the
///           median of the image's own border; colour changes (colour_jitter.h); grey; blur
///           (gaussian_blur.h); normalised; a rectangle erased (random_erase.h). Transforms that torchvision
///           has are computed as there; the random numbers differ.
/// Random    each step has its own stream, Random(seed, Purpose::kAugment, hash(epoch, position, view, step),
///           id). So results do not depend on threads, ranks or order, and enabling one step does not change
///           the draws of the others. The two views of a sample (SimCLR) are two values of `view`.
/// Shapes    out_CHW has channels · height · width floats.
/// Cost      28×28 from 105×105 with an affine transform: about 100 µs of one core, half of it for the
///           lookups (affine.h).
/// Throws    ConfigError (constructor) if mean or std have neither 1 nor `channels` entries, a std is not
///           positive, or a minimum exceeds its maximum; DataError if an image has another number of
///           channels.
/// Threads   const methods are safe concurrently.
class ImageTransform {
 public:
  explicit ImageTransform(ImageTransformConfig config, uint64_t seed = 0);

  /// Converts without augmentation: for evaluation and galleries.
  void plain(const Image& image, std::span<float> out_CHW) const;
  /// Converts with augmentation; all random numbers follow from the seed and `key`.
  void augmented(const Image& image, const AugmentKey& key, std::span<float> out_CHW) const;

  const ImageTransformConfig& config() const { return config_; }
  /// Floats per image.
  int64_t numel() const { return config_.channels * config_.height * config_.width; }
  /// How a data set should decode images for this transform: the number of channels, and a lower bound for
  /// the size of JPEGs: twice the target, or three times with affine transforms, and large enough that the
  /// smallest random crop is not enlarged.
  DecodeOptions decode_options() const;

 private:
  Box whole(const Image& image) const;
  Planes placed(const Image& image, const AugmentKey& key) const;
  void normalise(std::span<float> out_CHW) const;

  ImageTransformConfig config_;
  uint64_t seed_;
};

}  // namespace lodestone::sampler
