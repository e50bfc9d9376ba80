#include "trainer/init/plan_images.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/counted.h"
#include "common/text_format.h"

namespace lodestone::init {

namespace {

constexpr double kDrawingSide = 36, kSmallestDivided = 28, kUsualDrawing = 32, kPhotographSide = 64;
constexpr double kSameShape = 1.15;  // of the widest to the narrowest aspect
constexpr int64_t kFewImages = 1500;
constexpr std::array<int64_t, 7> kChannels{32, 64, 128, 256, 256, 256, 256};
constexpr int64_t kChannelsOfFew = 128;

int64_t pixels(double value) {
  return std::max<int64_t>(8, std::llround(value));
}

// Photographs are scaled by any number, to a side that convolutions halve evenly.
int64_t fours(double value) {
  return std::max<int64_t>(8, 4 * std::llround(value / 4));
}

std::string number(double value) {
  return compact(std::round(value * 100) / 100);
}

std::string percent(double share) {
  return compact(std::round(share * 100)) + " %";
}

std::string sizes_of(const survey::ImageSurvey& images) {
  const auto range = [](const survey::Spread& s) {
    return s.low == s.high ? compact(s.median) : compact(s.low) + " to " + compact(s.high);
  };
  return range(images.width) + " x " + range(images.height) + " pixels";
}

void plan_size(Plan& plan, const survey::ImageSurvey& images) {
  const InputSize size = input_size(images);
  plan.set("data.image.width", size.width, "the images have " + sizes_of(images));
  plan.set("data.image.height", size.height);
  if (size.crops)
    plan.set("data.image.fit", "crop", "their shapes differ: the middle is cut out, not stretched");
  const bool coloured = images.is_coloured();
  plan.set("data.image.channels", int64_t{coloured ? 3 : 1},
           coloured ? percent(images.coloured) + " of the images have colours" : "the images are grey");
}

void plan_drawing(Plan& plan, const survey::ImageSurvey& images) {
  if (images.background)
    plan.set("data.image.background", number(*images.background), "brightness around the drawings");
  plan.set("data.image.rotation", int64_t{8}, "letters and drawings are moved a little, never mirrored");
  plan.set("data.image.shift", 0.06);
  plan.set("data.image.scale_min", 0.85);
  plan.set("data.image.scale_max", 1.15);
  plan.set("data.image.shear", int64_t{images.is_coloured() ? 0 : 14});
}

void plan_photograph(Plan& plan, const survey::ImageSurvey& images) {
  plan.set("data.image.rotation", int64_t{5}, "photographs are moved a little");
  plan.set("data.image.shift", 0.06);
  plan.set("data.image.scale_min", 0.85);
  plan.set("data.image.scale_max", 1.15);
  plan.set("data.image.shear", int64_t{0});
  if (images.background)
    plan.set("data.image.background", number(*images.background), "brightness around the objects");
  else if (images.is_coloured())
    plan.set("data.image.flip", 0.5,
             "mirrored: right for photographs; 0 if left and right mean something, as in writing");
  plan.set("data.image.jitter", "{brightness: 0.2, contrast: 0.2}",
           "light differs from photograph to photograph");
}

}  // namespace

InputSize input_size(const survey::ImageSurvey& images) {
  const double width = images.width.median, height = images.height.median, longest = std::max(width, height);
  const bool same_shape = images.aspect.high <= kSameShape * images.aspect.low;
  if (images.is_drawing()) {
    double divisor = std::ceil(longest / kDrawingSide);
    if (divisor > 1 && longest / divisor < kSmallestDivided) divisor = longest / kUsualDrawing;
    const double side = std::sqrt(width * height) / divisor;
    return same_shape ? InputSize{pixels(width / divisor), pixels(height / divisor)}
                      : InputSize{pixels(side), pixels(side)};
  }
  const double side = std::sqrt(width * height), scale = std::min(1.0, kPhotographSide / side);
  if (!same_shape) return {fours(side * scale), fours(side * scale), true};
  return scale == 1 ? InputSize{pixels(width), pixels(height)}
                    : InputSize{fours(width * scale), fours(height * scale)};
}

void plan_image(Plan& plan, const survey::ImageSurvey& images) {
  plan_size(plan, images);
  images.is_drawing() ? plan_drawing(plan, images) : plan_photograph(plan, images);
  std::vector<double> mean, deviation;
  const auto add = [&](double m, double d) {
    mean.push_back(std::round(m * 100) / 100);
    deviation.push_back(std::max(0.05, std::round(d * 100) / 100));
  };
  if (images.is_coloured())
    for (size_t c = 0; c < 3; ++c) add(images.mean[c], images.deviation[c]);
  else
    add(images.grey_mean, images.grey_deviation);
  plan.set("data.image.mean", yaml_list(mean), "measured on " + counted(images.read, "image"));
  plan.set("data.image.std", yaml_list(deviation));
}

void plan_convolutions(Plan& plan, const std::string& key, const survey::ImageSurvey& images, int64_t samples,
                       int64_t embedding) {
  const InputSize size = input_size(images);
  const int64_t least = std::min(size.width, size.height);
  const auto blocks =
      std::clamp<int64_t>(static_cast<int64_t>(std::log2(static_cast<double>(least) / 1.5)), 2, 7);
  const int64_t most = samples < kFewImages ? kChannelsOfFew : kChannels.back();
  std::vector<double> channels;
  for (size_t b = 0; b < static_cast<size_t>(blocks); ++b)
    channels.push_back(static_cast<double>(std::min(most, kChannels[b])));
  plan.set(key + "name", "conv4", counted(blocks, "block") + " of convolutions, each halving the image");
  plan.set(key + "channels", yaml_list(channels));
  plan.set(key + "embedding", std::min(embedding, most));
}

}  // namespace lodestone::init
