#include "sampler/transforms.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "common/rng.h"
#include "sampler/affine.h"
#include "sampler/planes.h"

namespace lodestone {

namespace {

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

// One stream per picture and draw; epoch and position share a word with the view, far apart for all sizes in
// use.
Random stream(uint64_t seed, const AugmentKey& key) {
  uint64_t place = static_cast<uint64_t>(key.epoch);
  for (uint64_t word : {static_cast<uint64_t>(key.position), static_cast<uint64_t>(key.view)})
    place = (place ^ (place >> 29)) * 0xBF58476D1CE4E5B9 + word;
  return Random(seed, Purpose::kAugment, place, key.id);
}

struct Draw {
  Motion motion;
  float contrast;
  float brightness;
};

// Every number is drawn whatever the settings, so that switching one kind on leaves the others as they were.
Draw draw(const ImageTransformConfig& config, Random random) {
  const auto spread = [&random](double most) { return random.uniform(-most, most); };
  Draw out;
  out.motion.rotation = spread(config.rotation);
  out.motion.shift_x = spread(config.shift);
  out.motion.shift_y = spread(config.shift);
  out.motion.scale = std::exp(random.uniform(std::log(config.scale_min), std::log(config.scale_max)));
  out.motion.shear = spread(config.shear);
  out.motion.flip = random.uniform() < 0.5 && config.flip;
  out.contrast = static_cast<float>(1.0 + spread(config.contrast));
  out.brightness = static_cast<float>(spread(config.brightness));
  return out;
}

void jitter(Planes& planes, const Draw& drawn) {
  if (drawn.contrast == 1.0f && drawn.brightness == 0.0f) return;
  for (float& v : planes.values)
    v = std::clamp((v - 0.5f) * drawn.contrast + 0.5f + drawn.brightness, 0.0f, 1.0f);
}

void invert(Planes& planes) {
  for (float& v : planes.values) v = 1.0f - v;
}

}  // namespace

void ImageTransformConfig::visit(Fields& f) {
  f.field({"width", "width of the encoder's input", "pixels", 1, 4096}, &width);
  f.field({"height", "height of the encoder's input", "pixels", 1, 4096}, &height);
  f.field({"channels", "1 for grey, 3 for colour", "", 1, 3}, &channels);
  f.field({"invert", "exchange black and white, so that ink is bright"}, &invert);
  f.field({"rotation", "largest random turn to either side", "degrees", 0, 180}, &rotation);
  f.field({"shift", "largest random shift along each axis, as a fraction of the side", "", 0, 1}, &shift);
  f.field({"scale_min", "smallest random scale", "", 0.05, 20}, &scale_min);
  f.field({"scale_max", "largest random scale", "", 0.05, 20}, &scale_max);
  f.field({"shear", "largest random slant to either side", "degrees", 0, 60}, &shear);
  f.field({"flip", "mirror left to right in half of the draws"}, &flip);
  f.field({"brightness", "largest random change of brightness", "", 0, 1}, &brightness);
  f.field({"contrast", "largest random change of contrast, as a fraction", "", 0, 1}, &contrast);
  f.field(
      {"background", "brightness around a moved picture after inversion; null takes the picture's own border",
       "", 0, 1},
      &background);
  f.field({"mean", "subtracted from each channel (0 black, 1 white): one number, or one per channel"}, &mean);
  f.field({"std", "each channel is divided by this: one number, or one per channel"}, &std);
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
  check_entries(config_.mean, config_.channels, "mean");
  check_entries(config_.std, config_.channels, "std");
  for (double value : config_.std) require(value > 0, "std above 0", std::to_string(value));
}

DecodeOptions ImageTransform::decode_options() const {
  DecodeOptions options;
  options.channels = static_cast<int>(config_.channels);
  options.at_least = static_cast<int>(2 * std::max(config_.width, config_.height));
  return options;
}

void ImageTransform::plain(const Image& image, std::span<float> out_CHW) const {
  check_image(image, config_.channels);
  Planes planes = resized(image, static_cast<int>(config_.width), static_cast<int>(config_.height));
  if (config_.invert) invert(planes);
  std::copy(planes.values.begin(), planes.values.end(), out_CHW.begin());
  normalise(out_CHW);
}

void ImageTransform::augmented(const Image& image, const AugmentKey& key, std::span<float> out_CHW) const {
  check_image(image, config_.channels);
  const Draw drawn = draw(config_, stream(seed_, key));
  const int width = static_cast<int>(config_.width);
  const int height = static_cast<int>(config_.height);
  Planes planes = resized(image, std::min(image.width, 2 * width), std::min(image.height, 2 * height));
  if (config_.invert) invert(planes);
  const auto channels = static_cast<size_t>(config_.channels);
  const std::vector<float> border =
      config_.background ? std::vector<float>(channels, static_cast<float>(*config_.background))
                         : border_median(planes);
  planes = moved(planes, drawn.motion, width, height, border);
  jitter(planes, drawn);
  planes = resized(planes, width, height);
  std::copy(planes.values.begin(), planes.values.end(), out_CHW.begin());
  normalise(out_CHW);
}

void ImageTransform::normalise(std::span<float> out_CHW) const {
  const size_t plane = static_cast<size_t>(config_.width * config_.height);
  for (size_t c = 0; c < static_cast<size_t>(config_.channels); ++c) {
    const auto mean = static_cast<float>(config_.mean[config_.mean.size() == 1 ? 0 : c]);
    const auto factor = static_cast<float>(1.0 / config_.std[config_.std.size() == 1 ? 0 : c]);
    for (float& v : out_CHW.subspan(c * plane, plane)) v = (v - mean) * factor;
  }
}

}  // namespace lodestone
