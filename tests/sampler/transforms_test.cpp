#include "sampler/augment/transforms.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "common/peak_memory.h"
#include "sampler/augment/affine.h"
#include "sampler/augment/planes.h"
#include "sampler/sources/quarter_turns.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
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

TEST(Resize, SameSizeIsTheSameImage) {
  const Image image = drawn_image(2, 3, 9, 6);
  const std::vector<float> out = plain(unit(9, 6), image);
  for (size_t p = 0; p < out.size(); ++p)
    ASSERT_FLOAT_EQ(out[p], static_cast<float>(image.pixels[p]) / 255.0f);
}

// What torch.nn.functional.interpolate(x, size, mode="bilinear", antialias=True) gives in float64.
TEST(Resize, IsTorchsAntialiasedBilinear) {
  Image image(7, 5, 1);
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 7; ++j)
      image.at(j, i) = static_cast<uint8_t>((37 * i * i + 11 * j * j + 29 * i * j + 5 * i) % 256);
  expect_near(plain(unit(3, 4), image),
              {0.12100840f, 0.43719723f, 0.41988796f, 0.45816993f, 0.57745098f, 0.56676004f, 0.56078431f,
               0.50424837f, 0.52689076f, 0.59019608f, 0.48333333f, 0.67675070f},
              1e-6);
  expect_near(plain(unit(9, 2), image),
              {0.22459893f, 0.32917409f, 0.36783521f, 0.42400475f, 0.68021390f, 0.47114280f, 0.48746286f,
               0.53143197f, 0.49768271f, 0.42067736f, 0.67688651f, 0.58823529f, 0.37005348f, 0.55472371f,
               0.52255892f, 0.51297287f, 0.58680927f, 0.73511587f},
              1e-6);
}

// The same by double loops.
// A narrow and tall image has few pixels; the rows of its height at the width of the model would be many.
TEST(Resize, TakesMemoryForOneRowBesideTheResult) {
  for (const bool tall : {true, false}) {
    const int longer = 1 << 21;
    const Image image(tall ? 1 : longer, tall ? longer : 1, 1, 128);
    const PeakMemory memory;
    const Planes planes = resized(image, 512, 8);
    EXPECT_LT(memory.extra_mib(), 128) << tall;  // its taps; all rows would take 4,096
    for (const float value : planes.values) ASSERT_NEAR(value, 128.0F / 255.0F, 1e-3F);
  }
}

TEST(Resize, IsTheMeanUnderATriangle) {
  const Image image = drawn_image(1, 1, 105, 105);
  const std::vector<float> small = plain(unit(28, 28), image);
  const double step = 105.0 / 28;
  for (int y = 0; y < 28; ++y)
    for (int x = 0; x < 28; ++x) {
      double sum = 0, weights = 0;
      for (int v = 0; v < 105; ++v)
        for (int u = 0; u < 105; ++u) {
          const double weight = std::max(0.0, 1 - std::abs(u + 0.5 - (x + 0.5) * step) / step) *
                                std::max(0.0, 1 - std::abs(v + 0.5 - (y + 0.5) * step) / step);
          weights += weight;
          sum += weight * image.at(u, v) / 255.0;
        }
      ASSERT_NEAR(small[static_cast<size_t>(28 * y + x)], sum / weights, 1e-6) << x << ", " << y;
    }
}

TEST(Transform, AMovedImageIsNearlyAsSharpAsAPlainOne) {
  ImageTransformConfig config = unit(35, 35);
  config.shift = 0.1;
  const auto sharpness = [](const std::vector<float>& v) {
    double sum = 0;
    for (size_t i = 1; i < v.size(); ++i) sum += std::abs(v[i] - v[i - 1]);
    return sum;
  };
  double apply_affine = 0, still = 0;
  Image image(105, 105, 1);
  for (int y = 20; y < 85; ++y)
    for (int x = 20; x < 85; ++x) image.at(x, y) = x % 15 < 3 ? 255 : 0;
  for (int draw = 0; draw < 50; ++draw) {
    apply_affine += sharpness(augmented(config, image, {0, draw, 0, 1}));
    still += sharpness(plain(config, image));
  }
  EXPECT_GT(apply_affine / still, 0.85);  // moved at twice the target's size: 0.76
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
  AffineChange affine;
  for (int turns = 1; turns < 4; ++turns) {
    affine.rotation = 90.0 * turns;
    const Planes expected = resized(turned(image, turns), 8, 8);
    expect_near(apply_affine(planes, affine, 8, 8, {0.0f}).values, expected.values, 1e-5);
  }
}

TEST(Affine, ShiftScaleAndFlip) {
  Planes planes{4, 1, 1, {0.1f, 0.2f, 0.3f, 0.4f}};
  AffineChange affine;
  affine.shift_x = 0.25;
  expect_near(apply_affine(planes, affine, 4, 1, {9.0f}).values, {9.0f, 0.1f, 0.2f, 0.3f}, 1e-6);
  affine.flip = true;
  expect_near(apply_affine(planes, affine, 4, 1, {9.0f}).values, {9.0f, 0.4f, 0.3f, 0.2f}, 1e-6);
  affine = {};
  affine.scale = 3.0;
  expect_near(apply_affine(Planes{3, 3, 1, {0, 0, 0, 0, 1, 0, 0, 0, 0}}, affine, 3, 3, {0.0f}).values,
              {4 / 9.f, 2 / 3.f, 4 / 9.f, 2 / 3.f, 1, 2 / 3.f, 4 / 9.f, 2 / 3.f, 4 / 9.f}, 1e-6);
}

TEST(Affine, PixelsThatWillBeStretchedAreTurnedAsSeen) {
  // 8×4 pixels stand for a square: a quarter turn then maps the square onto itself.
  Planes planes{8, 4, 1, std::vector<float>(32, 0.0f)};
  for (size_t y = 0; y < 4; ++y) planes.values[y * 8] = planes.values[y * 8 + 1] = 1.0f;  // the left quarter
  AffineChange affine;
  affine.rotation = 90.0;
  const Planes turned_planes = apply_affine(planes, affine, 4, 4, {0.0f});
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
