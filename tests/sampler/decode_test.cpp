#include "sampler/decode.h"

#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spng.h>
#include <turbojpeg.h>

#include "support/images.h"

namespace lodestone {
namespace {

using testing::as_text;
using testing::drawn_image;
using ::testing::HasSubstr;

Image decode(const std::string& bytes, DecodeOptions options = {}) {
  return decode_image(std::as_bytes(std::span(bytes)), options, "here.png");
}

std::string error_of(const std::string& bytes, DecodeOptions options = {}) {
  try {
    decode(bytes, options);
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

/// Packs raw rows (as PNG stores them) into a file of the given colour type.
std::string raw_png(int width, int height, uint8_t colour_type, uint8_t bit_depth,
                    const std::vector<uint8_t>& rows, std::vector<std::array<uint8_t, 4>> palette = {}) {
  std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> context(spng_ctx_new(SPNG_CTX_ENCODER), spng_ctx_free);
  spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1);
  spng_ihdr header{
      static_cast<uint32_t>(width), static_cast<uint32_t>(height), bit_depth, colour_type, 0, 0, 0};
  spng_set_ihdr(context.get(), &header);
  if (!palette.empty()) {
    spng_plte colours{};
    spng_trns alphas{};
    for (const auto& [r, g, b, a] : palette) {
      alphas.type3_alpha[alphas.n_type3_entries++] = a;
      colours.entries[colours.n_entries++] = {r, g, b, 0};
    }
    spng_set_plte(context.get(), &colours);
    spng_set_trns(context.get(), &alphas);
  }
  EXPECT_EQ(spng_encode_image(context.get(), rows.data(), rows.size(), SPNG_FMT_RAW, SPNG_ENCODE_FINALIZE),
            0);
  size_t size = 0;
  int code = 0;
  std::unique_ptr<void, void (*)(void*)> buffer(spng_get_png_buffer(context.get(), &size, &code), std::free);
  return std::string(static_cast<const char*>(buffer.get()), size);
}

std::string jpeg(const Image& image, int quality = 95) {
  std::unique_ptr<void, int (*)(void*)> handle(tjInitCompress(), tjDestroy);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  const bool grey = image.channels == 1;
  EXPECT_EQ(
      tjCompress2(handle.get(), image.pixels.data(), image.width, 0, image.height,
                  grey ? TJPF_GRAY : TJPF_RGB, &buffer, &size, grey ? TJSAMP_GRAY : TJSAMP_444, quality, 0),
      0);
  std::string bytes(reinterpret_cast<char*>(buffer), size);
  tjFree(buffer);
  return bytes;
}

Image gradient(int width, int height, int channels) {
  Image image(width, height, channels);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) image.at(x, y, c) = static_cast<uint8_t>((x + 2 * y + 40 * c) % 200);
  return image;
}

/// A PNG that is only its header, with a correct checksum.
std::string png_header(uint32_t width, uint32_t height) {
  std::string chunk = "IHDR";
  for (uint32_t value : {width, height})
    for (int shift = 24; shift >= 0; shift -= 8) chunk += static_cast<char>(value >> shift);
  chunk += std::string("\x08\x00\x00\x00\x00", 5);
  uint32_t crc = ~0u;
  for (unsigned char byte : chunk) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0u);
  }
  crc = ~crc;
  std::string file("\x89PNG\r\n\x1A\n\x00\x00\x00\x0D", 12);
  file += chunk;
  for (int shift = 24; shift >= 0; shift -= 8) file += static_cast<char>(crc >> shift);
  return file;
}

TEST(Png, KeepsEveryPixel) {
  for (int channels : {1, 3}) {
    const Image image = drawn_image(3, 1, 13, 7, channels);
    DecodeOptions options;
    options.channels = channels;
    const Image back = decode(as_text(encode_png(image)), options);
    EXPECT_EQ(back.width, 13);
    EXPECT_EQ(back.height, 7);
    EXPECT_EQ(back.pixels, image.pixels);
  }
}

TEST(Png, OneBitRowsThatEndInsideAByte) {
  const Image image =
      decode(raw_png(10, 2, SPNG_COLOR_TYPE_GRAYSCALE, 1, {0b10100000, 0b01000000, 0, 0b11000000}));
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{255, 0, 255, 0, 0, 0, 0, 0, 0,   255,  //
                                                0,   0, 0,   0, 0, 0, 0, 0, 255, 255}));
}

TEST(Png, PaletteWithTransparencyLiesOnPaper) {
  const std::string file = raw_png(3, 1, SPNG_COLOR_TYPE_INDEXED, 8, {0, 1, 2},
                                   {{255, 0, 0, 255}, {0, 0, 255, 255}, {9, 9, 9, 0}});
  EXPECT_EQ(decode_image(std::as_bytes(std::span(file)), 3, "").pixels,
            (std::vector<uint8_t>{255, 0, 0, 0, 0, 255, 255, 255, 255}));
  EXPECT_EQ(decode(file).pixels, (std::vector<uint8_t>{77, 29, 255}));
  DecodeOptions black;
  black.paper = 0;
  EXPECT_EQ(decode(file, black).pixels[2], 0);
}

TEST(Png, GreyWithAlphaAnd16Bits) {
  EXPECT_EQ(decode(raw_png(3, 1, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 8, {100, 255, 100, 0, 0, 51})).pixels,
            (std::vector<uint8_t>{100, 255, 204}));
  EXPECT_EQ(decode(raw_png(1, 1, SPNG_COLOR_TYPE_GRAYSCALE, 16, {0x40, 0x40})).pixels,
            std::vector<uint8_t>{0x40});
}

TEST(Png, CutShortAnywhereIsADataError) {
  const std::string file = as_text(encode_png(drawn_image(1, 1)));
  for (size_t length = 0; length + 4 < file.size(); ++length) {  // the last 4 are the end mark's own checksum
    ASSERT_THROW(decode(file.substr(0, length)), DataError) << length << " of " << file.size() << " bytes";
  }
  EXPECT_THAT(error_of(file.substr(0, 40)), HasSubstr("here.png"));
}

TEST(Png, AFlippedBitIsNoticed) {
  std::string file = as_text(encode_png(drawn_image(1, 1)));
  file[file.size() / 2] ^= 4;
  EXPECT_THROW(decode(file), DataError);
}

TEST(Png, ABombIsRefusedByItsHeader) {
  EXPECT_THAT(error_of(png_header(60000, 60000)), HasSubstr("60000x60000"));
  EXPECT_NE(error_of(png_header(0x7FFFFFFF, 0x7FFFFFFF)), "no error");
  DecodeOptions small;
  small.max_pixels = 100;
  EXPECT_THAT(error_of(as_text(encode_png(drawn_image(0, 0, 11, 10))), small), HasSubstr("11x10"));
}

TEST(Jpeg, ComesBackWithinTolerance) {
  for (int channels : {1, 3}) {
    const Image image = gradient(40, 24, channels);
    DecodeOptions options;
    options.channels = channels;
    const Image back = decode(jpeg(image), options);
    ASSERT_EQ(back.pixels.size(), image.pixels.size());
    for (size_t p = 0; p < image.pixels.size(); ++p) ASSERT_NEAR(back.pixels[p], image.pixels[p], 12) << p;
  }
}

TEST(Jpeg, ColourBecomesGrey) {
  Image red(16, 16, 3);
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 16; ++x) red.at(x, y, 0) = 250;
  EXPECT_NEAR(decode(jpeg(red)).at(8, 8), 75, 3);
}

TEST(Jpeg, IsReducedWhileDecodingButNotBelowTheTarget) {
  DecodeOptions options;
  options.at_least = 56;
  const Image half = decode(jpeg(Image(256, 200, 1, 90)), options);
  EXPECT_EQ(half.width, 128);
  EXPECT_EQ(half.height, 100);
  EXPECT_NEAR(half.at(64, 50), 90, 2);
  options.at_least = 500;
  EXPECT_EQ(decode(jpeg(Image(256, 200, 1, 90)), options).width, 256);
}

TEST(Jpeg, CutShortIsADataErrorAndStrayBytesAreNot) {
  const std::string file = jpeg(gradient(64, 64, 1));
  for (size_t length : {size_t{3}, size_t{20}, size_t{200}, file.size() / 2, file.size() - 20})
    EXPECT_THROW(decode(file.substr(0, length)), DataError) << length;
  EXPECT_EQ(decode(file + "trailing").width, 64);
}

TEST(Jpeg, SizeIsCheckedFirst) {
  DecodeOptions small;
  small.max_pixels = 1000;
  EXPECT_THAT(error_of(jpeg(gradient(64, 64, 1)), small), HasSubstr("64x64"));
}

TEST(Decode, GarbageIsADataErrorThatNamesThePlace) {
  EXPECT_THAT(error_of("GIF89a and so on"), HasSubstr("here.png"));
  EXPECT_NE(error_of(""), "no error");
  std::string noise = "\xFF\xD8\xFF";
  for (int i = 0; i < 500; ++i) noise += static_cast<char>(i * 37);
  EXPECT_NE(error_of(noise), "no error");
}

TEST(EncodePng, RefusesAnImageThatIsNone) {
  EXPECT_THROW(encode_png(Image()), DataError);
  Image broken(4, 4, 1);
  broken.pixels.pop_back();
  EXPECT_THROW(encode_png(broken), DataError);
}

}  // namespace
}  // namespace lodestone
