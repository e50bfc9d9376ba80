#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "sampler/augment/colour_jitter.h"
#include "sampler/augment/gaussian_blur.h"
#include "sampler/augment/random_crop.h"
#include "sampler/augment/random_erase.h"
#include "sampler/augment/transforms.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

using testing::drawn_image;

Planes noise(int width, int height, int channels, uint64_t seed = 1) {
  Random random(seed, Purpose::kNoise);
  Planes planes{width, height, channels, {}};
  planes.values.resize(planes.plane_size() * static_cast<size_t>(channels));
  for (float& v : planes.values) v = static_cast<float>(random.uniform());
  return planes;
}

void expect_near(const std::vector<float>& a, const std::vector<float>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << i;
}

TEST(RandomCrop, LiesInTheImageWithTheAskedAreaAndRatio) {
  const RandomCropConfig config;
  double area = 0;
  for (uint64_t n = 0; n < 2000; ++n) {
    const Box box = random_crop(200, 100, config, Random(1, Purpose::kAugment, n));
    ASSERT_GE(box.x, 0);
    ASSERT_GE(box.y, 0);
    ASSERT_LE(box.x + box.width, 200);
    ASSERT_LE(box.y + box.height, 100);
    const double share = box.width * box.height / 20000.0;
    const double ratio = static_cast<double>(box.width) / box.height;
    ASSERT_GT(share, 0.08 - 0.01);
    ASSERT_LT(share, 1.0 + 1e-9);
    ASSERT_GT(ratio, 0.75 - 0.03);
    ASSERT_LT(ratio, 4.0 / 3.0 + 0.03);
    area += share / 2000;
  }
  // A square of the whole height has half the area, so larger draws are drawn again.
  EXPECT_NEAR(area, 0.32, 0.03);
}

TEST(RandomCrop, WhereNothingFitsTheMiddleAtTheNearestRatio) {
  RandomCropConfig config;
  config.scale_min = config.scale_max = 1.0;
  config.ratio_min = 0.5;
  config.ratio_max = 2.0;
  EXPECT_EQ(random_crop(100, 10, config, Random(1, Purpose::kAugment)), (Box{40, 0, 20, 10}));
  EXPECT_EQ(random_crop(10, 100, config, Random(1, Purpose::kAugment)), (Box{0, 40, 10, 20}));
  EXPECT_EQ(middle(30, 20, 1.0), (Box{5, 0, 20, 20}));
  EXPECT_EQ(middle(1, 900, 4.0), (Box{0, 449, 1, 1}));
}

// The textbook conversions, with sixths of the hue circle.
void naive_turn(float& r, float& g, float& b, double turn) {
  const double most = std::max({r, g, b}), least = std::min({r, g, b}), range = most - least;
  double h = 0;
  if (range > 0)
    h = most == r ? (g - b) / range / 6 : most == g ? ((b - r) / range + 2) / 6 : ((r - g) / range + 4) / 6;
  h = std::fmod(std::fmod(h + turn, 1.0) + 1.0, 1.0);
  const double s = most > 0 ? range / most : 0;
  const int i = static_cast<int>(h * 6);
  const double f = h * 6 - i, p = most * (1 - s), q = most * (1 - s * f), t = most * (1 - s * (1 - f));
  const double table[6][3] = {{most, t, p}, {q, most, p}, {p, most, t},
                              {p, q, most}, {t, p, most}, {most, p, q}};
  r = static_cast<float>(table[i % 6][0]);
  g = static_cast<float>(table[i % 6][1]);
  b = static_cast<float>(table[i % 6][2]);
}

TEST(ColourJitter, HueIsTurnedInHsv) {
  for (const double turn : {0.1, -0.25, 0.5, -0.5}) {
    Planes planes = noise(9, 7, 3);
    Planes expected = planes;
    for (size_t p = 0; p < 63; ++p)
      naive_turn(expected.values[p], expected.values[63 + p], expected.values[126 + p], turn);
    ColourChange change;
    change.hue = turn;
    change_colours(planes, change);
    expect_near(planes.values, expected.values, 2e-6);
  }
}

TEST(ColourJitter, BrightnessContrastAndSaturationInTheirOrder) {
  const Planes start = noise(6, 5, 3);
  ColourChange change;
  change.brightness = 1.4;
  change.contrast = 0.6;
  change.saturation = 1.7;
  change.order = {2, 0, 3, 1};
  Planes got = start;
  change_colours(got, change);
  Planes expected = start;
  const auto grey = [&](size_t p) {
    return 0.2989f * expected.values[p] + 0.587f * expected.values[30 + p] + 0.114f * expected.values[60 + p];
  };
  const auto clamp = [](double v) { return static_cast<float>(std::clamp(v, 0.0, 1.0)); };
  for (size_t p = 0; p < 30; ++p) {
    const double mine = grey(p);
    for (size_t c = 0; c < 90; c += 30)
      expected.values[c + p] = clamp(1.7 * expected.values[c + p] - 0.7 * mine);
  }
  for (float& v : expected.values) v = clamp(1.4 * v);
  double mean = 0;
  for (size_t p = 0; p < 30; ++p) mean += grey(p) / 30.0;
  for (float& v : expected.values) v = clamp(0.6 * v + 0.4 * mean);
  expect_near(got.values, expected.values, 1e-6);
}

TEST(ColourJitter, DrawsSpreadOverTheirRangesAndOrders) {
  ColourJitterConfig config;
  config.brightness = 0.4;
  config.contrast = 2.0;
  config.hue = 0.1;
  std::set<std::array<int, 4>> orders;
  double low = 9, high = 0;
  for (uint64_t n = 0; n < 1000; ++n) {
    const ColourChange change = draw_colour_change(config, Random(3, Purpose::kAugment, n));
    orders.insert(change.order);
    low = std::min(low, change.brightness);
    high = std::max(high, change.brightness);
    ASSERT_GE(change.contrast, 0.0);
    ASSERT_LE(std::abs(change.hue), 0.1);
    ASSERT_EQ(change.saturation, 1.0);
  }
  EXPECT_EQ(orders.size(), 24u);
  EXPECT_NEAR(low, 0.6, 0.01);
  EXPECT_NEAR(high, 1.4, 0.01);
}

TEST(ColourJitter, AGreyImageKeepsItsHue) {
  Planes planes = noise(4, 4, 1);
  const Planes before = planes;
  ColourChange change;
  change.hue = 0.3;
  change.saturation = 0;
  change_colours(planes, change);
  EXPECT_EQ(planes.values, before.values);
}

TEST(GaussianBlur, IsTheProductOfTwoNormalisedKernelsWithMirroredEdges) {
  for (const auto& [kernel, sigma] : {std::pair{3, 0.7}, std::pair{7, 2.0}}) {
    Planes planes = noise(8, 6, 2);
    const Planes before = planes;
    gaussian_blur(planes, kernel, sigma);
    const int half = kernel / 2;
    for (int c = 0; c < 2; ++c)
      for (int y = 0; y < 6; ++y)
        for (int x = 0; x < 8; ++x) {
          double sum = 0, weights = 0;
          for (int dy = -half; dy <= half; ++dy)
            for (int dx = -half; dx <= half; ++dx) {
              const double weight = std::exp(-(dx * dx + dy * dy) / (2 * sigma * sigma));
              int px = std::abs(x + dx), py = std::abs(y + dy);
              if (px > 7) px = 14 - px;
              if (py > 5) py = 10 - py;
              sum += weight * before.values[static_cast<size_t>(c * 48 + py * 8 + px)];
              weights += weight;
            }
          ASSERT_NEAR(planes.values[static_cast<size_t>(c * 48 + y * 8 + x)], sum / weights, 1e-6);
        }
  }
  GaussianBlurConfig config;
  EXPECT_EQ(kernel_width(config, 224, 224), 23);
  EXPECT_EQ(kernel_width(config, 1, 9), 1);
  config.kernel = 99;
  EXPECT_EQ(kernel_width(config, 20, 30), 39);
}

TEST(RandomErase, IsSmallerThanTheImageAndOfTheAskedArea) {
  const RandomEraseConfig config;
  for (uint64_t n = 0; n < 1000; ++n) {
    const auto box = random_erase(40, 30, config, Random(1, Purpose::kAugment, n));
    ASSERT_TRUE(box);
    ASSERT_LT(box->width, 40);
    ASSERT_LT(box->height, 30);
    ASSERT_GE(box->x, 0);
    ASSERT_LE(box->x + box->width, 40);
    ASSERT_LE(box->y + box->height, 30);
    ASSERT_NEAR(box->width * box->height / 1200.0, 0.175, 0.175);
  }
  std::vector<float> x(2 * 3 * 4, 1.0f);
  fill_box(x, 4, 3, {1, 1, 2, 1}, 5.0f);
  EXPECT_EQ(x, (std::vector<float>{1, 1, 1, 1, 1, 5, 5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 5, 5, 1, 1, 1, 1, 1}));
}

ImageTransformConfig still(int64_t channels = 3) {
  ImageTransformConfig config;
  config.width = config.height = 16;
  config.channels = channels;
  config.affine_probability = 0;
  config.mean = {0.0};
  config.std = {1.0};
  return config;
}

std::vector<float> augmented(const ImageTransformConfig& config, const Image& image, const AugmentKey& key) {
  const ImageTransform transform(config, 1);
  std::vector<float> out(static_cast<size_t>(transform.numel()));
  transform.augmented(image, key, out);
  return out;
}

TEST(Transform, ProbabilitiesAreKept) {
  const Image image = drawn_image(3, 1, 30, 20, 3);
  const auto plain = augmented(still(), image, {});
  const auto share = [&](auto change) {
    ImageTransformConfig config = still();
    change(config);
    int changed = 0;
    for (int64_t n = 0; n < 400; ++n) changed += augmented(config, image, {n, 0, 0, 1}) != plain;
    return changed / 400.0;
  };
  EXPECT_EQ(share([](auto&) {}), 0.0);
  EXPECT_NEAR(share([](auto& c) { c.flip = 0.3; }), 0.3, 0.08);
  EXPECT_NEAR(share([](auto& c) { c.grey = 0.2; }), 0.2, 0.08);
  EXPECT_NEAR(share([](auto& c) { c.crop.probability = 0.6; }), 0.6, 0.08);
  EXPECT_NEAR(share([](auto& c) { c.blur.probability = 0.5; }), 0.5, 0.08);
  EXPECT_NEAR(share([](auto& c) { c.erase.probability = 0.25; }), 0.25, 0.08);
  EXPECT_NEAR(share([](auto& c) { c.affine_probability = 0.7; }), 0.7, 0.08);
  EXPECT_NEAR(share([](auto& c) {
                c.jitter.brightness = 0.5;
                c.jitter.probability = 0.8;
              }),
              0.8, 0.08);
}

// Each kind has a stream of its own: the mirrored draws stay the same whatever else is on.
TEST(Transform, KindsDoNotDisturbEachOther) {
  const Image image = drawn_image(3, 1, 16, 16, 3);
  ImageTransformConfig config = still();
  config.flip = 0.5;
  std::vector<std::vector<float>> before;
  for (int64_t n = 0; n < 50; ++n) before.push_back(augmented(config, image, {n, 0, 0, 1}));
  config.erase.probability = 1e-9;
  config.blur.probability = 1e-9;
  config.crop.probability = 1e-9;
  config.grey = 1e-9;
  config.jitter.hue = 0.1;
  config.jitter.probability = 1e-9;
  for (int64_t n = 0; n < 50; ++n)
    EXPECT_EQ(augmented(config, image, {n, 0, 0, 1}), before[static_cast<size_t>(n)]);
}

TEST(Transform, ViewsOfASampleDiffer) {
  ImageTransformConfig config = still();
  config.crop.probability = 1;
  config.jitter = {1.0, 0.4, 0.4, 0.4, 0.1};
  const Image image = drawn_image(3, 1, 40, 30, 3);
  EXPECT_NE(augmented(config, image, {0, 0, 0, 1}), augmented(config, image, {0, 0, 1, 1}));
  EXPECT_EQ(augmented(config, image, {0, 0, 1, 1}), augmented(config, image, {0, 0, 1, 1}));
}

TEST(Transform, FitCropTakesTheMiddle) {
  ImageTransformConfig config = still(1);
  config.fit = ImageFit::kCrop;
  Image image(32, 16, 1, 0);
  for (int y = 0; y < 16; ++y)
    for (int x = 8; x < 24; ++x) image.at(x, y) = static_cast<uint8_t>(10 * y + x);
  const auto out = augmented(config, image, {});
  for (size_t y = 0; y < 16; ++y)
    for (size_t x = 0; x < 16; ++x)
      ASSERT_FLOAT_EQ(out[y * 16 + x], static_cast<float>(10 * y + x + 8) / 255.0f);
}

TEST(Transform, JpegsAreNotReducedBelowTheSmallestCrop) {
  ImageTransformConfig config = still();
  EXPECT_EQ(ImageTransform(config).decode_options().at_least, 32);
  config.affine_probability = 0.5;
  config.rotation = 5;
  EXPECT_EQ(ImageTransform(config).decode_options().at_least, 48)
      << "the affine augmentation has three pixels for one";
  config.crop.probability = 0.5;
  config.crop.scale_min = 0.04;
  EXPECT_EQ(ImageTransform(config).decode_options().at_least, 80);
  config.crop.ratio_min = 2;
  EXPECT_THROW(ImageTransform{config}, ConfigError);
}

}  // namespace
}  // namespace lodestone
