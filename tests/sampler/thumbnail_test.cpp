// Images made small for pages.
#include "sampler/codecs/thumbnail.h"

#include <gtest/gtest.h>

#include "common/error.h"
#include "common/rng.h"
#include "sampler/codecs/decode.h"
#include "sampler/codecs/encode_webp.h"
#include "sampler/codecs/shrink.h"
#include "support/images.h"

namespace lodestone::testing {
namespace {

Image decoded(const std::string& file, int channels) {
  return decode_image(std::as_bytes(std::span(file)), channels, "a thumbnail");
}

Image noise(int side) {
  Image image(side, side, 3);
  Random random(1, Purpose::kTrials);
  for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(random.below(256));
  return image;
}

TEST(Shrunk, KeepsWhatFitsAndTheShapeOfTheRest) {
  EXPECT_EQ(shrunk(drawn_image(1, 2, 12, 10), 12).pixels, drawn_image(1, 2, 12, 10).pixels);
  for (const auto& [width, height, small_width, small_height] :
       {std::array{100, 50, 20, 10}, {50, 100, 10, 20}, {1000, 1, 20, 1}, {21, 21, 20, 20}}) {
    const Image small = shrunk(Image(width, height, 3, 9), 20);
    EXPECT_EQ(small.width, small_width);
    EXPECT_EQ(small.height, small_height);
    EXPECT_EQ(small.pixels, Image(small_width, small_height, 3, 9).pixels);
  }
}

TEST(Shrunk, IsTheMeanOfWhatEachPixelCovers) {
  Image image(4, 2, 1);
  image.pixels = {0, 100, 10, 20, 200, 100, 30, 41};
  const Image small = shrunk(image, 2);
  EXPECT_EQ(small.pixels, (std::vector<uint8_t>{100, 25}));
}

TEST(EncodeWebp, KeepsSizeAndAlmostTheColours) {
  for (const int channels : {1, 3}) {
    Image image(40, 30, channels, 90);
    const Image back = decoded(encode_webp(image, 80), channels);
    ASSERT_EQ(back.width, 40);
    ASSERT_EQ(back.height, 30);
    for (const uint8_t value : back.pixels) EXPECT_NEAR(value, 90, 6);
  }
  EXPECT_THROW(encode_webp(Image(), 80), DataError);
  EXPECT_THROW(encode_webp(Image(4, 4, 2), 80), DataError);
  EXPECT_THROW(encode_webp(Image(16384, 1, 1), 80), DataError);
}

TEST(Thumbnail, IsWithinTheLimitsEvenForNoise) {
  const std::string file = thumbnail_of(noise(600), kThumbnailSide);
  EXPECT_STREQ(thumbnail_type(file), "image/webp");
  EXPECT_EQ(decoded(file, 3).width, kThumbnailSide);
  EXPECT_EQ(thumbnail_of(noise(600), kThumbnailSide), file);
}

TEST(PagePng, IsBounded) {
  const Image large = decoded(page_png(noise(1000)), 3);
  EXPECT_EQ(large.width, 320);
  const Image small = drawn_image(3, 4);
  EXPECT_EQ(decoded(page_png(small), 1).pixels, small.pixels);
}

}  // namespace
}  // namespace lodestone::testing
