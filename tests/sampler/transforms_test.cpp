#include "sampler/transforms.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "sampler/affine.h"
#include "sampler/planes.h"
#include "sampler/quarter_turns.h"
#include "support/images.h"

namespace lodestone {
namespace {

using testing::drawn_image;

ImageTransformConfig unit(int64_t width, int64_t height) {
  ImageTransformConfig config;
  config.width = width;
  config.height = height;
  config.mean = {0.0};
  config.std = {1.0};
  config.rotation = config.shift = config.shear = 0.0;
  config.scale_min = config.scale_max = 1.0;
  return config;
}

std::vector<float> plain(const ImageTransformConfig& config, const Image& image) {
  const ImageTransform transform(config);
  std::vector<float> out(static_cast<size_t>(transform.numel()));
  transform.plain(image, out);
  return out;
}

std::vector<float> augmented(const ImageTransformConfig& config, const Image& image, const AugmentKey& key,
                             uint64_t seed = 1) {
  const ImageTransform transform(config, seed);
  std::vector<float> out(static_cast<size_t>(transform.numel()));
  transform.augmented(image, key, out);
  return out;
}

void expect_near(const std::vector<float>& a, const std::vector<float>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << i;
}

TEST(Resize, SameSizeIsTheSamePicture) {
  const Image image = drawn_image(2, 3, 9, 6);
  const std::vector<float> out = plain(unit(9, 6), image);
  for (size_t p = 0; p < out.size(); ++p)
    ASSERT_FLOAT_EQ(out[p], static_cast<float>(image.pixels[p]) / 255.0f);
}

TEST(Resize, ShrinkingTakesTheMeanOverTheArea) {
  Image image(3, 2, 1);
  image.pixels = {0, 30, 60, 90, 120, 150};
  // Each output covers 1.5 × 1 inputs.
  expect_near(plain(unit(2, 2), image), {10 / 255.f, 50 / 255.f, 100 / 255.f, 140 / 255.f}, 1e-6);
  // 105 -> 28 as a whole: the mean is kept.
  const Image large = drawn_image(1, 1, 105, 105);
  const std::vector<float> small = plain(unit(28, 28), large);
  const double mean_in = std::accumulate(large.pixels.begin(), large.pixels.end(), 0.0) / (255.0 * 105 * 105);
  EXPECT_NEAR(std::accumulate(small.begin(), small.end(), 0.0) / (28 * 28), mean_in, 1e-5);
}

TEST(Resize, EnlargingIsBilinearBetweenPixelCentres) {
  Image image(2, 1, 1);
  image.pixels = {0, 255};
  expect_near(plain(unit(4, 2), image), {0, 0.25f, 0.75f, 1, 0, 0.25f, 0.75f, 1}, 1e-6);
}

TEST(Transform, ChannelsComeInPlanesInvertedAndNormalised) {
  ImageTransformConfig config = unit(1, 2);
  config.channels = 3;
  config.invert = true;
  config.mean = {0.5, 0.0, 0.0};
  config.std = {0.5, 1.0, 0.5};
  Image image(1, 2, 3);
  image.pixels = {0, 51, 255, 255, 102, 0};
  expect_near(plain(config, image), {1, -1, 0.8f, 0.6f, 0, 2}, 1e-6);
}

TEST(Transform, AugmentationWithoutMotionIsPlain) {
  for (int side : {28, 40, 60, 105}) {
    const Image image = drawn_image(3, 1, side, side + 9);
    const ImageTransformConfig config = unit(28, 30);
    expect_near(augmented(config, image, {1, 2, 0, 3}), plain(config, image), 2e-5);
  }
}

TEST(Affine, AQuarterTurnMovesEveryPixelExactly) {
  const Image image = drawn_image(4, 2, 8, 8);
  const Planes planes = resized(image, 8, 8);
  Motion motion;
  for (int turns = 1; turns < 4; ++turns) {
    motion.rotation = 90.0 * turns;
    const Planes expected = resized(turned(image, turns), 8, 8);
    expect_near(moved(planes, motion, 8, 8, {0.0f}).values, expected.values, 1e-5);
  }
}

TEST(Affine, ShiftScaleAndFlip) {
  Planes planes{4, 1, 1, {0.1f, 0.2f, 0.3f, 0.4f}};
  Motion motion;
  motion.shift_x = 0.25;
  expect_near(moved(planes, motion, 4, 1, {9.0f}).values, {9.0f, 0.1f, 0.2f, 0.3f}, 1e-6);
  motion.flip = true;
  expect_near(moved(planes, motion, 4, 1, {9.0f}).values, {9.0f, 0.4f, 0.3f, 0.2f}, 1e-6);
  motion = {};
  motion.scale = 3.0;
  expect_near(moved(Planes{3, 3, 1, {0, 0, 0, 0, 1, 0, 0, 0, 0}}, motion, 3, 3, {0.0f}).values,
              {4 / 9.f, 2 / 3.f, 4 / 9.f, 2 / 3.f, 1, 2 / 3.f, 4 / 9.f, 2 / 3.f, 4 / 9.f}, 1e-6);
}

TEST(Affine, PixelsThatWillBeStretchedAreTurnedAsSeen) {
  // 8×4 pixels stand for a square: a quarter turn then maps the square onto itself.
  Planes planes{8, 4, 1, std::vector<float>(32, 0.0f)};
  for (size_t y = 0; y < 4; ++y) planes.values[y * 8] = planes.values[y * 8 + 1] = 1.0f;  // the left quarter
  Motion motion;
  motion.rotation = 90.0;
  const Planes turned_planes = moved(planes, motion, 4, 4, {0.0f});
  for (size_t x = 0; x < 8; ++x) {
    EXPECT_GT(turned_planes.values[x], 0.7f);  // now the top quarter
    EXPECT_NEAR(turned_planes.values[24 + x], 0, 1e-6);
  }
}

TEST(Affine, TheBorderMedianIsThePaper) {
  Image image(20, 20, 1, 250);
  for (int x = 0; x < 9; ++x) image.at(x, 0) = 10;  // ink that touches the border
  for (int y = 5; y < 15; ++y) image.at(10, y) = 0;
  EXPECT_NEAR(border_median(resized(image, 20, 20))[0], 250 / 255.0, 1e-6);
}

TEST(Transform, NothingAppearsFromOutsideThePaper) {
  ImageTransformConfig config;
  config.mean = {0.0};
  config.std = {1.0};
  config.rotation = 45;
  config.scale_min = 0.5;
  for (int64_t k = 0; k < 20; ++k)
    for (float v : augmented(config, Image(50, 40, 1, 200), {k, 0, 0, 7})) ASSERT_NEAR(v, 200 / 255.0, 1e-5);
}

TEST(Transform, DrawsDependOnTheKeyAlone) {
  const ImageTransformConfig config;
  const Image image = drawn_image(3, 1, 40, 40);
  const std::vector<float> first = augmented(config, image, {1, 2, 0, 3});
  EXPECT_EQ(augmented(config, image, {1, 2, 0, 3}), first);
  for (const AugmentKey& other :
       {AugmentKey{2, 2, 0, 3}, {1, 3, 0, 3}, {1, 2, 1, 3}, {1, 2, 0, 4}, {2, 1, 0, 3}})
    EXPECT_NE(augmented(config, image, other), first);
  EXPECT_NE(augmented(config, image, {1, 2, 0, 3}, 2), first);
}

TEST(Transform, SwitchingOneKindOnLeavesTheOthersAlone) {
  ImageTransformConfig config = unit(20, 20);
  config.rotation = 30;
  const Image image = drawn_image(3, 1, 20, 20);
  const std::vector<float> before = augmented(config, image, {0, 0, 0, 1});
  config.jitter.brightness = 1e-6;
  expect_near(augmented(config, image, {0, 0, 0, 1}), before, 1e-5);
}

TEST(Transform, RefusesSettingsThatMakeNoSense) {
  const auto with = [](auto change) {
    ImageTransformConfig config;
    change(config);
    return config;
  };
  EXPECT_THROW(ImageTransform(with([](auto& c) { c.mean = {1, 2}; })), ConfigError);
  EXPECT_THROW(ImageTransform(with([](auto& c) { c.std = {0.0}; })), ConfigError);
  EXPECT_THROW(ImageTransform(with([](auto& c) { c.channels = 2; })), ConfigError);
  EXPECT_THROW(ImageTransform(with([](auto& c) { c.scale_min = 2.0; })), ConfigError);
  EXPECT_THROW(plain(unit(4, 4), Image(4, 4, 3)), DataError);
}

}  // namespace
}  // namespace lodestone
