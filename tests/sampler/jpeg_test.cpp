#include "support/jpeg.h"

#include <functional>
#include <map>
#include <span>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "sampler/codecs/decode.h"

namespace lodestone {
using namespace sampler;
namespace {

using ::testing::HasSubstr;
using testing::jpeg_text;
using testing::JpegStyle;
using testing::scans_of;

Image decode(const std::string& bytes, DecodeOptions options = {}) {
  return decode_image(std::as_bytes(std::span(bytes)), options, "here.jpg");
}

DecodeOptions colour() {
  DecodeOptions options;
  options.channels = 3;
  return options;
}

std::string error_of(const std::string& bytes, DecodeOptions options = {}) {
  try {
    decode(bytes, options);
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

Image gradient(int width, int height, int channels) {
  Image image(width, height, channels);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) image.at(x, y, c) = static_cast<uint8_t>((x + 2 * y + 40 * c) % 200);
  return image;
}

/// Without steps that a low resolution of the colours would blur.
Image smooth(int width, int height, int channels) {
  Image image(width, height, channels);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) image.at(x, y, c) = static_cast<uint8_t>(30 + x + y + 40 * c);
  return image;
}

void expect_near(const Image& got, const Image& wanted, int tolerance) {
  ASSERT_EQ(got.pixels.size(), wanted.pixels.size());
  for (size_t p = 0; p < wanted.pixels.size(); ++p)
    ASSERT_NEAR(got.pixels[p], wanted.pixels[p], tolerance) << p;
}

TEST(Jpeg, ComesBackWithinTolerance) {
  for (const int channels : {1, 3}) {
    const Image image = gradient(40, 24, channels);
    DecodeOptions options;
    options.channels = channels;
    for (const bool progressive : {false, true}) {
      JpegStyle style;
      style.progressive = progressive;
      expect_near(decode(jpeg_text(image, style), options), image, 12);
    }
  }
}

TEST(Jpeg, ColourBecomesGrey) {
  Image red(16, 16, 3);
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 16; ++x) red.at(x, y, 0) = 250;
  EXPECT_NEAR(decode(jpeg_text(red)).at(8, 8), 75, 3);
}

TEST(Jpeg, IsReducedWhileDecodingButNotBelowTheTarget) {
  DecodeOptions options;
  options.at_least = 56;
  const std::string file = jpeg_text(Image(256, 200, 1, 90));
  const Image half = decode(file, options);
  EXPECT_EQ(half.width, 128);
  EXPECT_EQ(half.height, 100);
  EXPECT_NEAR(half.at(64, 50), 90, 2);
  options.at_least = 500;
  EXPECT_EQ(decode(file, options).width, 256);
}

TEST(Jpeg, CutShortIsADataErrorAndStrayBytesAreNot) {
  const std::string file = jpeg_text(gradient(64, 64, 1));
  for (const size_t length : {size_t{3}, size_t{20}, size_t{200}, file.size() / 2, file.size() - 20})
    EXPECT_THROW(decode(file.substr(0, length)), DataError) << length;
  EXPECT_EQ(decode(file + "trailing").width, 64);
}

// Their decoder fills up with zeros what is missing and says nothing but that the file has ended.
TEST(Jpeg, ArithmeticCodesThatAreCutShortAreADataError) {
  for (const bool progressive : {false, true}) {
    JpegStyle style;
    style.arithmetic = true;
    style.progressive = progressive;
    const std::string file = jpeg_text(gradient(64, 64, 1), style);
    EXPECT_EQ(decode(file).width, 64);
    for (const size_t length : {file.size() / 2, file.size() * 9 / 10, file.size() - 3})
      EXPECT_THROW(decode(file.substr(0, length)), DataError) << progressive << length;
  }
}

// What cameras and programs write beside the standard, each made of a sound file.
using Change = std::function<std::string(std::string)>;

std::string with_zero_scan_parameters(std::string file) {
  const size_t scan = scans_of(file).front();
  const size_t length = static_cast<unsigned char>(file[scan + 3]);
  return file.replace(scan + 2 + length - 3, 3, std::string(3, '\0'));
}

std::string with_jfif_version_2(std::string file) {
  file[file.find("JFIF") + 5] = 2;
  return file;
}

std::string without_end_marker(std::string file) {
  return file.substr(0, file.size() - 2);
}

std::string with_bytes_between_segments(std::string file) {
  return file.insert(scans_of(file).front(), std::string(5, '\0'));
}

// As old versions of Illustrator do: a transform that the standard does not know.
std::string with_adobe_transform_7(std::string file) {
  const size_t jfif = file.find("JFIF");
  if (jfif != std::string::npos) file.erase(2, 18);
  return file.insert(2, std::string("\xFF\xEE\x00\x0E"
                                    "Adobe\x00\x64\x00\x00\x00\x00\x07",
                                    16));
}

const std::map<std::string, Change>& oddities() {
  static const std::map<std::string, Change> all{{"zero scan parameters", with_zero_scan_parameters},
                                                 {"JFIF version 2", with_jfif_version_2},
                                                 {"no end marker", without_end_marker},
                                                 {"bytes between segments", with_bytes_between_segments},
                                                 {"Adobe transform 7", with_adobe_transform_7}};
  return all;
}

TEST(Jpeg, OddFilesHaveThePixelsOfSoundOnes) {
  const std::string sound = jpeg_text(gradient(64, 48, 3));
  const Image wanted = decode(sound, colour());
  for (const auto& [name, change] : oddities()) {
    const std::string odd = change(sound);
    ASSERT_NE(odd, sound) << name;
    EXPECT_EQ(decode(odd, colour()).pixels, wanted.pixels) << name;
  }
}

TEST(Jpeg, OddFilesThatAreCutShortOrDamagedAreRefused) {
  const std::string sound = jpeg_text(gradient(64, 48, 3));
  for (const auto& [name, change] : oddities()) {
    const std::string odd = change(sound);
    for (const size_t length : {odd.size() / 2, odd.size() - 40})
      EXPECT_THROW(decode(odd.substr(0, length), colour()), DataError) << name << " " << length;
    // An end marker in the middle of a scan: libjpeg would fill up with grey.
    EXPECT_THROW(decode(odd.substr(0, odd.size() * 3 / 4) + "\xFF\xD9", colour()), DataError) << name;
  }
}

TEST(Jpeg, ALostStretchBetweenRestartMarkersIsRefused) {
  JpegStyle style;
  style.restart = 1;
  const std::string sound = jpeg_text(gradient(64, 64, 1), style);
  const size_t second = sound.find("\xFF\xD1"), third = sound.find("\xFF\xD2");
  ASSERT_NE(third, std::string::npos);
  EXPECT_EQ(decode(sound).width, 64);
  EXPECT_THROW(decode(sound.substr(0, second) + sound.substr(third)), DataError);
}

TEST(Jpeg, SamplingFactorsOfAnyKind) {
  using Factors = std::vector<std::pair<int, int>>;
  for (const Factors& factors :
       {Factors{{1, 1}, {1, 1}, {1, 1}}, Factors{{2, 2}, {1, 1}, {1, 1}}, Factors{{4, 1}, {1, 1}, {1, 1}},
        Factors{{1, 4}, {1, 1}, {1, 1}}, Factors{{2, 2}, {2, 1}, {1, 2}}, Factors{{1, 1}, {2, 2}, {2, 2}},
        Factors{{3, 1}, {1, 1}, {1, 1}}, Factors{{2, 2}, {2, 2}, {1, 1}}}) {
    JpegStyle style;
    style.sampling = factors;
    const Image image = smooth(60, 44, 3);
    expect_near(decode(jpeg_text(image, style), colour()), image, 14);
    EXPECT_EQ(decode(jpeg_text(image, style)).width, 60);  // as grey
  }
}

TEST(Jpeg, CmykAndYcckAsAdobeStoresThem) {
  Image ink(16, 16, 4, 255);
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 16; ++x) ink.at(x, y, 1) = 100;  // inverted: much magenta
  for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK}) {
    JpegStyle style;
    style.stored = stored;
    const Image seen = decode(jpeg_text(ink, style), colour());
    EXPECT_NEAR(seen.at(8, 8, 0), 255, 4);
    EXPECT_NEAR(seen.at(8, 8, 1), 100, 4);
    EXPECT_NEAR(seen.at(8, 8, 2), 255, 4);
    EXPECT_EQ(decode(jpeg_text(ink, style)).channels, 1);
  }
}

TEST(Jpeg, ScansThatAreMissingAreNoticed) {
  for (const bool progressive : {true, false}) {
    JpegStyle style;
    style.progressive = progressive;
    style.separate = !progressive;
    const std::string sound = jpeg_text(gradient(48, 48, 3), style);
    const Image wanted = decode(sound, colour());
    const auto scans = scans_of(sound);
    ASSERT_GE(scans.size(), 3U);
    // A file that ends between two scans, and the end marker that a tool may have put there.
    EXPECT_THROW(decode(sound.substr(0, scans.back()), colour()), DataError) << progressive;
    if (!progressive) {
      EXPECT_THAT(error_of(sound.substr(0, scans.back()) + "\xFF\xD9", colour()),
                  HasSubstr("no scan of one"));
    }
    EXPECT_EQ(decode(without_end_marker(sound), colour()).pixels, wanted.pixels) << progressive;
  }
}

TEST(Jpeg, TheLimitIsOnWhatIsDecoded) {
  DecodeOptions small;
  small.max_pixels = 1000;
  EXPECT_THAT(error_of(jpeg_text(gradient(64, 64, 1)), small),
              ::testing::AllOf(HasSubstr("64x64"), HasSubstr("data.image.max_pixels")));
  small.at_least = 16;
  EXPECT_EQ(decode(jpeg_text(gradient(64, 64, 1)), small).width, 16);
  JpegStyle progressive;  // its coefficients are kept at full size
  progressive.progressive = true;
  EXPECT_THAT(error_of(jpeg_text(gradient(64, 64, 1), progressive), small), HasSubstr("64x64"));
  small.at_least = 8;
  EXPECT_EQ(decode(jpeg_text(Image(128, 120, 1)), small).width, 16);
  EXPECT_THAT(error_of(jpeg_text(Image(128, 126, 1)), small),
              HasSubstr("128x126"));  // 16 times as many, and more
}

TEST(Jpeg, ThousandsOfScansAreRefused) {
  JpegStyle style;
  style.progressive = true;
  const std::string sound = jpeg_text(gradient(16, 16, 1), style);
  const auto scans = scans_of(sound);
  std::string many = sound.substr(0, scans.back());
  const std::string last = sound.substr(scans.back(), sound.size() - 2 - scans.back());
  for (int i = 0; i < 1000; ++i) many += last;
  EXPECT_NE(error_of(many + "\xFF\xD9"), "no error");
}

}  // namespace
}  // namespace lodestone
