// What headers of images claim, and how long they take to read.
#include "sampler/codecs/image_size.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/error.h"
#include "common/files.h"
#include "sampler/codecs/decode.h"
#include "sampler/codecs/encode_png.h"
#include "support/growth.h"

namespace lodestone {
using namespace sampler;
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string claim(const std::string& file) {
  const auto size = image_size(bytes_of(file));
  return size ? std::to_string(size->width) + "x" + std::to_string(size->height) : "none";
}

const std::filesystem::path kImages = std::filesystem::path(LODESTONE_TESTS_FOLDER) / "fuzz/corpus/picture";

TEST(ImageSize, IsWhatTheDecoderMakes) {
  int images = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kImages)) {
    const std::string file = read_file(entry.path());
    const auto size = image_size(bytes_of(file));
    ASSERT_TRUE(size.has_value()) << entry.path();
    const Image image = decode_image(bytes_of(file), 3, "it");
    // EXIF may ask for it to be turned.
    const bool turned = size->width != image.width;
    EXPECT_EQ(size->width, turned ? image.height : image.width) << entry.path();
    EXPECT_EQ(size->height, turned ? image.width : image.height) << entry.path();
    ++images;
  }
  EXPECT_GE(images, 19);
}

TEST(ImageSize, IsKnownOfWhatNobodyWouldDecode) {
  EXPECT_EQ(claim(std::string("\x89PNG\r\n\x1A\n\0\0\0\rIHDR\xFF\xFF\xFF\xFF\0\1\0\0\10\2\0\0\0", 29)),
            "4294967295x65536");
  EXPECT_EQ(claim(std::string("\xFF\xD8\xFF\xE0\0\4ab\xFF\xFF\xC2\0\x11\10\xFF\xFE\x80\1\3\1\0", 21)),
            "32769x65534");
  EXPECT_EQ(claim(std::string("\xFF\xD8\xFF\xE0\0\2 stray\xFF\0\xFF\xC0\0\x11\10\0\1\0\2\3\1\0", 24)), "2x1");
  EXPECT_EQ(claim("P5 100000 99999 255\n"), "100000x99999");
  EXPECT_EQ(claim("P4#x 7\n# 1 2 3\n12#3\n 5\n"), "12x5");
}

TEST(ImageSize, IsUnknownOfWhatIsNoImage) {
  for (const char* file :
       {"", "P", "P5", "P5 ", "P5 1", "P5 x 1 ", "P7 1 1 ", "P5 99999999999999 1 ", "GIF89a",
        "\x89PNG\r\n\x1A\n", "\xFF\xD8\xFF", "\xFF\xD8\xFF\xD9", "RIFF....WEBP", "RIFF....WEBPVP8 "})
    EXPECT_EQ(claim(file), "none") << file;
}

TEST(ImageSize, BearsFilesThatEndAnywhere) {
  for (const auto& entry : std::filesystem::directory_iterator(kImages)) {
    const std::string file = read_file(entry.path());
    for (size_t size = 0; size < std::min<size_t>(file.size(), 400); ++size) {
      const std::vector<char> exact(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      image_size(std::as_bytes(std::span(exact)));
    }
  }
}

uint32_t crc_of(const std::string& text) {
  uint32_t crc = ~0u;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

std::string number(uint32_t value, bool little = false) {
  std::string text;
  for (int i = 0; i < 4; ++i) text += static_cast<char>(value >> (little ? 8 * i : 24 - 8 * i));
  return text;
}

// A PNG with n chunks of this kind behind its header.
auto png_with(const std::string& kind_and_content) {
  return [kind_and_content](size_t n) {
    const std::vector<uint8_t> plain = encode_png(Image(2, 2, 1, 7));
    std::string file(plain.begin(), plain.end());
    const std::string chunk = number(static_cast<uint32_t>(kind_and_content.size() - 4)) + kind_and_content +
                              number(crc_of(kind_and_content));
    std::string many;
    for (size_t i = 0; i < n; ++i) many += chunk;
    return file.insert(33, many);
  };
}

// A JPEG with n segments in front of its own.
std::string jpeg_with(size_t n) {
  std::string many;
  for (size_t i = 0; i < n; ++i) many += std::string("\xFF\xE5\0\4ab", 6);
  return read_file(kImages / "grey.jpg").insert(2, many);
}

// A WebP with n chunks behind the image, in the extended form that has such.
std::string webp_with(size_t n) {
  const std::string plain = read_file(kImages / "lossy.webp");
  const auto size = image_size(bytes_of(plain));
  std::string body = "WEBP";
  if (plain.substr(12, 4) != "VP8X")
    body += "VP8X" + number(10, true) + std::string(4, '\0') +
            number(static_cast<uint32_t>(size->width - 1), true).substr(0, 3) +
            number(static_cast<uint32_t>(size->height - 1), true).substr(0, 3);
  body += plain.substr(12);
  for (size_t i = 0; i < n; ++i) body += "odd " + number(2, true) + "ab";
  return "RIFF" + number(static_cast<uint32_t>(body.size()), true) + body;
}

TEST(ImagesTake, TwiceAsLongForTwiceAsManyChunks) {
  const auto read = [](const std::string& file) {
    EXPECT_TRUE(image_size(bytes_of(file)).has_value());
    try {
      decode_image(bytes_of(file), 1, "it");
    } catch (const DataError&) {  // refusing is as good
    }
  };
  testing::expect_linear(png_with(std::string("tEXta\0b", 7)), read);
  testing::expect_linear(png_with(std::string("iTXta\0\0\0\0\0b", 11)), read);
  testing::expect_linear(png_with("prVt"), read);
  testing::expect_linear(png_with(std::string("sPLTa\0\10", 7)), read);
  testing::expect_linear(jpeg_with, read);
  testing::expect_linear(webp_with, read);
  testing::expect_linear([](size_t n) { return "P5 #" + std::string(n, 'x') + "\n1 1 255\n" + "x"; }, read);
  testing::expect_linear(
      [](size_t n) { return "P2" + std::string(n, ' ') + "1 1 255 " + std::string(n, ' ') + "7"; }, read);
  testing::expect_linear(
      [](size_t n) {
        std::string file = read_file(kImages / "grey.jpg");
        return file.insert(2, std::string(n, '\xFF'));
      },
      read);
}

}  // namespace
}  // namespace lodestone
