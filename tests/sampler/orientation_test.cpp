#include "sampler/codecs/orientation.h"

#include <gtest/gtest.h>

#include "sampler/codecs/decode.h"
#include "support/images.h"
#include "support/jpeg.h"

namespace lodestone {
using namespace sampler;
namespace {

// 3 wide, 2 high: 1 2 3 over 4 5 6.
Image six() {
  Image image(3, 2, 1);
  image.pixels = {1, 2, 3, 4, 5, 6};
  return image;
}

std::string exif(int orientation, bool little = false) {
  const auto word = [little](int value) {
    std::string text{static_cast<char>(value >> 8), static_cast<char>(value)};
    return little ? std::string(text.rbegin(), text.rend()) : text;
  };
  const auto longer = [&](int value) { return little ? word(value) + word(0) : word(0) + word(value); };
  return std::string("Exif\0\0", 6) + (little ? "II" : "MM") + word(42) + longer(8) + word(2) +  //
         word(0x010F) + word(2) + longer(1) + longer(0) +                                        // a maker
         word(0x0112) + word(3) + longer(1) + word(orientation) + word(0) + longer(0);
}

TEST(Orientation, AllEightAsTheTableOfTheStandardHasThem) {
  using Pixels = std::vector<uint8_t>;
  const Pixels expected[] = {{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
                             {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};
  for (int o = 1; o <= 8; ++o) {
    const Image turned = oriented(six(), o);
    EXPECT_EQ(turned.width, o < 5 ? 3 : 2) << o;
    EXPECT_EQ(turned.pixels, expected[o - 1]) << o;
  }
  for (const int none : {0, 9, -1}) EXPECT_EQ(oriented(six(), none).pixels, six().pixels);
}

TEST(Orientation, IsReadInBothByteOrders) {
  for (const bool little : {false, true})
    for (int o = 1; o <= 8; ++o) {
      const std::string block = exif(o, little);
      EXPECT_EQ(exif_orientation(std::as_bytes(std::span(block))), o);
    }
}

TEST(Orientation, DamagedBlocksAskForNothing) {
  const std::string block = exif(6);
  for (size_t length = 0; length < block.size() - 6; ++length)
    EXPECT_EQ(exif_orientation(std::as_bytes(std::span(block.data(), length))), 1) << length;
  std::string far = block;
  far[6 + 4] = '\xFF';  // the directory lies beyond the end
  EXPECT_EQ(exif_orientation(std::as_bytes(std::span(far))), 1);
}

TEST(Orientation, AJpegIsTurnedAsItsExifSays) {
  Image image(32, 16, 1, 20);
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 8; ++x) image.at(x, y) = 240;  // bright at the top left
  const std::string plain = testing::jpeg_text(image);
  const std::string block = exif(6);
  const std::string app1 = std::string("\xFF\xE1", 2) + static_cast<char>((block.size() + 2) >> 8) +
                           static_cast<char>(block.size() + 2) + block;
  const std::string bytes = plain.substr(0, 2) + app1 + plain.substr(2);
  const Image turned = decode_image(std::as_bytes(std::span(bytes)), 1, "x.jpg");
  ASSERT_EQ(turned.width, 16);
  ASSERT_EQ(turned.height, 32);
  EXPECT_NEAR(turned.at(12, 3), 240, 8);  // now at the top right
  EXPECT_NEAR(turned.at(3, 3), 20, 8);
  EXPECT_TRUE(exif_of_jpeg(std::as_bytes(std::span(plain))).empty());
}

}  // namespace
}  // namespace lodestone
