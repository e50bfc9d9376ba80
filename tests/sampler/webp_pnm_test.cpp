#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <webp/encode.h>

#include "sampler/codecs/decode.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

using testing::drawn_image;
using ::testing::HasSubstr;

Image decode(const std::string& bytes, int channels = 1) {
  return decode_image(std::as_bytes(std::span(bytes)), channels, "here");
}

std::string error_of(const std::string& bytes) {
  try {
    decode(bytes);
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

std::string lossless_webp(const Image& image) {
  uint8_t* out = nullptr;
  const size_t size =
      WebPEncodeLosslessRGB(image.pixels.data(), image.width, image.height, image.width * 3, &out);
  std::string bytes(reinterpret_cast<char*>(out), size);
  WebPFree(out);
  return bytes;
}

TEST(WebP, LosslessKeepsEveryPixelInColourAndGrey) {
  const Image image = drawn_image(2, 5, 33, 21, 3);
  const std::string bytes = lossless_webp(image);
  EXPECT_EQ(decode(bytes, 3).pixels, image.pixels);
  const Image grey = decode(bytes, 1);
  ASSERT_EQ(grey.channels, 1);
  const int luma = (77 * image.at(4, 3, 0) + 150 * image.at(4, 3, 1) + 29 * image.at(4, 3, 2) + 128) >> 8;
  EXPECT_EQ(grey.at(4, 3), luma);
}

TEST(WebP, TransparencyLiesOnPaper) {
  const std::vector<uint8_t> rgba{200, 100, 0, 255, 200, 100, 0, 0};
  uint8_t* out = nullptr;
  const size_t size = WebPEncodeLosslessRGBA(rgba.data(), 2, 1, 8, &out);
  const Image image = decode(std::string(reinterpret_cast<char*>(out), size), 3);
  WebPFree(out);
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{200, 100, 0, 255, 255, 255}));
}

TEST(WebP, CutShortAnywhereIsADataError) {
  const std::string bytes = lossless_webp(drawn_image(1, 1, 20, 20, 3));
  for (size_t length = 13; length + 8 < bytes.size(); length += 7)
    EXPECT_THAT(error_of(bytes.substr(0, length)), HasSubstr("here")) << length;
  std::string animated("RIFF\x2a\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\0\0\0\0\0\0", 30);
  EXPECT_THAT(error_of(animated), HasSubstr("here"));
}

TEST(Pnm, AllSixKinds) {
  EXPECT_EQ(decode("P1\n# a comment\n3 2\n101\n0 1 0\n").pixels,
            (std::vector<uint8_t>{0, 255, 0, 255, 0, 255}));
  EXPECT_EQ(decode("P2 2 1 10\n5 10\n").pixels, (std::vector<uint8_t>{128, 255}));
  EXPECT_EQ(decode("P3 1 1 255 10 20 30", 3).pixels, (std::vector<uint8_t>{10, 20, 30}));
  EXPECT_EQ(decode(std::string("P4 10 1\n\xA0\x40", 10)).pixels,
            (std::vector<uint8_t>{0, 255, 0, 255, 255, 255, 255, 255, 255, 0}));
  EXPECT_EQ(decode("P5 3 1 255\nabc").pixels, (std::vector<uint8_t>{'a', 'b', 'c'}));
  EXPECT_EQ(decode("P6 1 1 255\nabc", 3).pixels, (std::vector<uint8_t>{'a', 'b', 'c'}));
  EXPECT_EQ(decode(std::string("P5 2 1 65535\n\x80\x00\xFF\xFF", 17)).pixels,
            (std::vector<uint8_t>{128, 255}));
  EXPECT_EQ(decode("P5 1 1 255\nz", 3).pixels, (std::vector<uint8_t>{'z', 'z', 'z'}));
}

TEST(Pnm, WhatIsDamagedIsRefused) {
  for (const char* bytes :
       {"P5", "P5 ", "P5 3", "P5 3 1", "P5 3 1 255", "P5 3 1 255\nab", "P5 3 1 0\nabc", "P5 3 1 70000\nabc",
        "P5 -3 1 255\nabc", "P5 99999999999 1 255\n", "P5 60000 60000 255\n", "P2 2 1 10\n5 11",
        "P2 2 1 10\n5", "P1 2 1\n12", "P7 1 1", "P5#\n3 1 9x"})
    EXPECT_THAT(error_of(bytes), HasSubstr("here")) << bytes;
}

TEST(Pnm, AHeaderThatClaimsMoreThanTheFileHoldsTakesNoMemory) {
  EXPECT_THAT(error_of("P5 8000 8000 255\nabc"), HasSubstr("too few pixels"));
}

}  // namespace
}  // namespace lodestone
