#include "sampler/augment/transforms.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "common/keys_without_effect.h"
#include "common/rng.h"
#include "sampler/augment/affine.h"
#include "sampler/augment/planes.h"

namespace lodestone::sampler {

namespace {

// The largest number of source pixels per output pixel, along a side, for an affine transform: with fewer,
// the result would be less sharp than without a transform.
constexpr int kAffineOversampling = 3;

void require(bool holds, const std::string& expected, const std::string& got) {
  if (!holds) throw ConfigError("transform: expected " + expected + ", got " + got);
}

void check_entries(const std::vector<double>& values, int64_t channels, const char* name) {
  const auto n = static_cast<int64_t>(values.size());
  require(n == 1 || n == channels, std::string(name) + " with 1 or " + std::to_string(channels) + " entries",
          std::to_string(n) + " entries");
}

void check_image(const Image& image, int64_t channels) {
  if (image.channels == channels && image.width >= 1 && image.height >= 1) return;
  throw DataError("transform: expected an image of " + std::to_string(channels) + " channels, got " +
                  std::to_string(image.width) + "x" + std::to_string(image.height) + "x" +
                  std::to_string(image.channels) +
                  "; open the data set with ImageTransform::decode_options()");
}

/// The augmentation steps, each with its own random stream.
enum class Kind : uint64_t { kCrop = 1, kFlip, kAffine, kJitter, kGrey, kBlur, kErase };

// Epoch, position, view and kind share a word, with enough bits for all sizes in use.
Random stream(uint64_t seed, const AugmentKey& key, Kind kind) {
  uint64_t place = static_cast<uint64_t>(key.epoch);
  for (const uint64_t word :
       {static_cast<uint64_t>(key.position), static_cast<uint64_t>(key.view), static_cast<uint64_t>(kind)})
    place = (place ^ (place >> 29)) * 0xBF58476D1CE4E5B9 + word;
  return Random(seed, Purpose::kAugment, place, key.id);
}

/// The step's stream if this draw applies the step, else empty.
std::optional<Random> chance(uint64_t seed, const AugmentKey& key, Kind kind, double probability) {
  if (probability <= 0) return {};
  Random random = stream(seed, key, kind);
  if (random.uniform() < probability) return random;
  return {};
}

AffineChange draw_affine(const ImageTransformConfig& config, Random random) {
  const auto spread = [&random](double most) { return random.uniform(-most, most); };
  AffineChange out;
  out.rotation = spread(config.rotation);
  out.shift_x = spread(config.shift);
  out.shift_y = spread(config.shift);
  out.scale = std::exp(random.uniform(std::log(config.scale_min), std::log(config.scale_max)));
  out.shear = spread(config.shear);
  return out;
}

void invert(Planes& planes) {
  for (float& v : planes.values) v = 1.0f - v;
}

}  // namespace

void ImageTransformConfig::visit(Fields& f) {
  f.field({.name = "width", .doc = "width of the encoder's input", .unit = "pixels", .min = 1, .max = 4096},
          &width);
  f.field({.name = "height", .doc = "height of the encoder's input", .unit = "pixels", .min = 1, .max = 4096},
          &height);
  f.field({.name = "channels", .doc = "channels of the input: 1 for grey, 3 for colour", .min = 1, .max = 3},
          &channels);
  f.choice(
      {.name = "fit",
       .doc =
           "how an image of another aspect ratio fits the input. stretch: the whole image is resized; crop: "
           "its centre is cut out first"},
      &fit, {{"stretch", ImageFit::kStretch}, {"crop", ImageFit::kCrop}});
  f.field({.name = "invert", .doc = "whether brightness is inverted, so that ink is bright"}, &invert);
  f.nested({.name = "crop", .doc = "random crop"}, crop);
  f.field({.name = "flip", .doc = "probability that an image is mirrored left to right", .min = 0, .max = 1},
          &flip);
  f.field({.name = "affine_probability",
           .doc = "probability of the affine augmentation: the rotation, shift, scale and shear below",
           .min = 0,
           .max = 1},
          &affine_probability);
  if (affine_probability == 0)
    without_effect(f, {"rotation", "shift", "scale_min", "scale_max", "shear", "background"},
                   "while affine_probability is 0; set it, or leave this out");
  f.field({.name = "rotation",
           .doc = "largest random rotation to either side",
           .unit = "degrees",
           .min = 0,
           .max = 180},
          &rotation);
  f.field({.name = "shift",
           .doc = "largest random shift along each axis, as a fraction of the side",
           .min = 0,
           .max = 1},
          &shift);
  f.field({.name = "scale_min", .doc = "smallest random scale", .min = 0.05, .max = 20}, &scale_min);
  f.field({.name = "scale_max", .doc = "largest random scale", .min = 0.05, .max = 20}, &scale_max);
  f.field(
      {.name = "shear", .doc = "largest random shear to either side", .unit = "degrees", .min = 0, .max = 60},
      &shear);
  f.field(
      {.name = "background",
       .doc =
           "brightness outside the image in the affine augmentation, after inversion; null: the brightness "
           "of the image's border",
       .min = 0,
       .max = 1},
      &background);
  const std::string no_colours = "with data.image.channels: 1; set channels: 3, or leave it out";
  f.group(
      {.name = "jitter", .doc = "random change of brightness, contrast, saturation and hue, in random order"},
      [&](Fields& members) {
        if (channels == 1) without_effect(members, {"saturation", "hue"}, no_colours);
        jitter.visit(members);
      });
  if (channels == 1) without_effect(f, {"grey"}, no_colours);
  f.field({.name = "grey", .doc = "probability that an image is converted to grey", .min = 0, .max = 1},
          &grey);
  f.nested({.name = "blur", .doc = "random blur with a Gaussian kernel"}, blur);
  f.nested({.name = "erase", .doc = "random erasing of a rectangle"}, erase);
  f.field(
      {.name = "mean",
       .doc = "mean that is subtracted from each channel (0 black, 1 white): one number, or one per channel"},
      &mean);
  f.field({.name = "std",
           .doc = "standard deviation that each channel is divided by: one number, or one per channel"},
          &std);
  f.field(
      {.name = "max_pixels",
       .doc =
           "largest number of pixels of a decoded image; a larger image is a bad record. A JPEG of one scan "
           "may have 16 times as many before it is reduced",
       .unit = "pixels",
       .min = 1,
       .max = int64_t{1} << 40},
      &max_pixels);
}

ImageTransform::ImageTransform(ImageTransformConfig config, uint64_t seed)
    : config_(std::move(config)), seed_(seed) {
  require(config_.width >= 1 && config_.height >= 1 && config_.width <= 4096 && config_.height <= 4096,
          "width and height in 1..4096",
          std::to_string(config_.width) + "x" + std::to_string(config_.height));
  require(config_.channels == 1 || config_.channels == 3, "channels 1 or 3",
          std::to_string(config_.channels));
  require(config_.scale_min > 0 && config_.scale_min <= config_.scale_max, "0 < scale_min <= scale_max",
          std::to_string(config_.scale_min) + " and " + std::to_string(config_.scale_max));
  config_.crop.check();
  config_.blur.check();
  config_.erase.check();
  check_entries(config_.mean, config_.channels, "mean");
  check_entries(config_.std, config_.channels, "std");
  for (double value : config_.std) require(value > 0, "std above 0", std::to_string(value));
}

DecodeOptions ImageTransform::decode_options() const {
  const ImageTransformConfig& c = config_;
  const bool changes = c.affine_probability > 0 &&
                       (c.rotation > 0 || c.shift > 0 || c.shear > 0 || c.scale_min != 1 || c.scale_max != 1);
  const double least = changes ? kAffineOversampling : 2;
  const double pixels = c.crop.probability > 0 ? std::max(least, 1 / std::sqrt(c.crop.scale_min)) : least;
  DecodeOptions options;
  options.channels = static_cast<int>(c.channels);
  options.max_pixels = c.max_pixels;
  options.at_least = static_cast<int>(std::ceil(pixels * static_cast<double>(std::max(c.width, c.height))));
  return options;
}

Box ImageTransform::whole(const Image& image) const {
  if (config_.fit == ImageFit::kStretch) return {0, 0, image.width, image.height};
  return middle(image.width, image.height,
                static_cast<double>(config_.width) / static_cast<double>(config_.height));
}

void ImageTransform::plain(const Image& image, std::span<float> out_CHW) const {
  check_image(image, config_.channels);
  Planes planes =
      resized(image, whole(image), static_cast<int>(config_.width), static_cast<int>(config_.height));
  if (config_.invert) invert(planes);
  std::copy(planes.values.begin(), planes.values.end(), out_CHW.begin());
  normalise(out_CHW);
}

// Cropped, mirrored and transformed, at the size of the output.
Planes ImageTransform::placed(const Image& image, const AugmentKey& key) const {
  const int width = static_cast<int>(config_.width);
  const int height = static_cast<int>(config_.height);
  Box box = whole(image);
  if (const auto random = chance(seed_, key, Kind::kCrop, config_.crop.probability))
    box = random_crop(image.width, image.height, config_.crop, *random);
  AffineChange affine;
  if (const auto random = chance(seed_, key, Kind::kAffine, config_.affine_probability))
    affine = draw_affine(config_, *random);
  affine.flip = chance(seed_, key, Kind::kFlip, config_.flip).has_value();
  if (!affine.changes()) {
    Planes planes = resized(image, box, width, height);
    if (config_.invert) invert(planes);
    if (affine.flip) mirror(planes);
    return planes;
  }
  Planes planes = resized(image, box, std::min(box.width, kAffineOversampling * width),
                          std::min(box.height, kAffineOversampling * height));
  if (config_.invert) invert(planes);
  const std::vector<float> border =
      config_.background
          ? std::vector<float>(static_cast<size_t>(config_.channels), static_cast<float>(*config_.background))
          : border_median(planes);
  return resized(apply_affine(planes, affine, width, height, border), width, height);
}

void ImageTransform::augmented(const Image& image, const AugmentKey& key, std::span<float> out_CHW) const {
  check_image(image, config_.channels);
  Planes planes = placed(image, key);
  if (config_.jitter.on())
    if (const auto random = chance(seed_, key, Kind::kJitter, config_.jitter.probability))
      change_colours(planes, draw_colour_change(config_.jitter, *random));
  if (chance(seed_, key, Kind::kGrey, config_.grey)) make_grey(planes);
  if (auto random = chance(seed_, key, Kind::kBlur, config_.blur.probability))
    gaussian_blur(planes, kernel_width(config_.blur, planes.width, planes.height),
                  random->uniform(config_.blur.sigma_min, config_.blur.sigma_max));
  std::copy(planes.values.begin(), planes.values.end(), out_CHW.begin());
  normalise(out_CHW);
  if (const auto random = chance(seed_, key, Kind::kErase, config_.erase.probability))
    if (const auto box = random_erase(planes.width, planes.height, config_.erase, *random))
      fill_box(out_CHW, planes.width, planes.height, *box, static_cast<float>(config_.erase.value));
}

void ImageTransform::normalise(std::span<float> out_CHW) const {
  const size_t plane = static_cast<size_t>(config_.width * config_.height);
  for (size_t c = 0; c < static_cast<size_t>(config_.channels); ++c) {
    const auto mean = static_cast<float>(config_.mean[config_.mean.size() == 1 ? 0 : c]);
    const auto factor = static_cast<float>(1.0 / config_.std[config_.std.size() == 1 ? 0 : c]);
    for (float& v : out_CHW.subspan(c * plane, plane)) v = (v - mean) * factor;
  }
}

}  // namespace lodestone::sampler
