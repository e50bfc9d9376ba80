#include "sampler/codecs/orientation.h"

#include <cstring>
#include <string_view>

namespace lodestone::sampler {

namespace {

constexpr std::string_view kMark("Exif\0\0", 6);
constexpr unsigned kOrientation = 0x0112;
constexpr unsigned kShort = 3;

bool starts_with(std::span<const std::byte> bytes, std::string_view mark) {
  return bytes.size() >= mark.size() && std::memcmp(bytes.data(), mark.data(), mark.size()) == 0;
}

/// Numbers of a TIFF structure in its own byte order; 0 beyond the end.
struct Tiff {
  std::span<const std::byte> bytes;
  bool little;

  unsigned number(size_t at, size_t size) const {
    if (at > bytes.size() || bytes.size() - at < size) return 0;
    unsigned value = 0;
    for (size_t i = 0; i < size; ++i)
      value = value << 8 | static_cast<unsigned>(bytes[at + (little ? size - 1 - i : i)]);
    return value;
  }
};

}  // namespace

int exif_orientation(std::span<const std::byte> exif) {
  if (starts_with(exif, kMark)) exif = exif.subspan(kMark.size());
  const bool little = starts_with(exif, "II");
  if (!little && !starts_with(exif, "MM")) return 1;
  const Tiff tiff{exif, little};
  if (tiff.number(2, 2) != 42) return 1;
  const size_t directory = tiff.number(4, 4);
  const unsigned entries = tiff.number(directory, 2);
  for (unsigned e = 0; e < entries; ++e) {
    const size_t entry = directory + 2 + size_t{12} * e;
    if (entry + 12 > exif.size()) return 1;
    if (tiff.number(entry, 2) != kOrientation) continue;
    const unsigned value = tiff.number(entry + 2, 2) == kShort ? tiff.number(entry + 8, 2) : 1;
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

std::span<const std::byte> exif_of_jpeg(std::span<const std::byte> jpeg) {
  constexpr std::byte kMarker{0xFF}, kApp1{0xE1}, kScan{0xDA}, kEnd{0xD9};
  for (size_t at = 2; at + 4 <= jpeg.size() && jpeg[at] == kMarker;) {
    const std::byte kind = jpeg[at + 1];
    if (kind == kMarker) {  // padding
      ++at;
      continue;
    }
    if (kind == kScan || kind == kEnd) break;
    const size_t length = static_cast<size_t>(jpeg[at + 2]) << 8 | static_cast<size_t>(jpeg[at + 3]);
    if (length < 2 || at + 2 + length > jpeg.size()) break;
    const auto content = jpeg.subspan(at + 4, length - 2);
    if (kind == kApp1 && starts_with(content, kMark)) return content;
    at += 2 + length;
  }
  return {};
}

Image oriented(Image image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  const bool swaps = orientation >= 5;
  Image out(swaps ? image.height : image.width, swaps ? image.width : image.height, image.channels);
  const int right = image.width - 1;
  const int bottom = image.height - 1;
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      int from_x = swaps ? y : x;
      int from_y = swaps ? x : y;
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
        from_x = right - from_x;
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
        from_y = bottom - from_y;
      for (int c = 0; c < out.channels; ++c) out.at(x, y, c) = image.at(from_x, from_y, c);
    }
  return out;
}

}  // namespace lodestone::sampler
