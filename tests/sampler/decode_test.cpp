#include "sampler/codecs/decode.h"

#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spng.h>

#include "support/images.h"

namespace lodestone {
using namespace sampler;
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
