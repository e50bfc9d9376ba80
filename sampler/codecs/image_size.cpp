#include "sampler/codecs/image_size.h"

#include <cstring>
#include <string_view>

#include <webp/decode.h>

namespace lodestone::sampler {

namespace {

using Bytes = std::span<const std::byte>;

bool has(Bytes data, size_t at, std::string_view mark) {
  return data.size() >= at + mark.size() && std::memcmp(data.data() + at, mark.data(), mark.size()) == 0;
}

// Big-endian. Requires at + count <= data.size().
int64_t number(Bytes data, size_t at, size_t count) {
  int64_t value = 0;
  for (size_t i = 0; i < count; ++i) value = value << 8 | static_cast<int64_t>(data[at + i]);
  return value;
}

std::optional<ImageSize> png_size(Bytes data) {
  if (data.size() < 24 || !has(data, 12, "IHDR")) return {};
  return ImageSize{number(data, 16, 4), number(data, 20, 4)};
}

// The first frame header. Bytes between segments are skipped, as decoders do.
std::optional<ImageSize> jpeg_size(Bytes data) {
  constexpr std::byte kMark{0xFF};
  for (size_t at = 2; at + 9 <= data.size();) {
    if (data[at] != kMark || data[at + 1] == kMark || data[at + 1] == std::byte{0}) {
      ++at;
      continue;
    }
    const auto kind = static_cast<unsigned>(data[at + 1]);
    const bool frame = kind >= 0xC0 && kind <= 0xCF && kind != 0xC4 && kind != 0xC8 && kind != 0xCC;
    if (frame) return ImageSize{number(data, at + 7, 2), number(data, at + 5, 2)};
    if (kind == 0xDA || kind == 0xD9) return {};
    const bool alone = kind == 0x01 || (kind >= 0xD0 && kind <= 0xD8);
    at += 2 + (alone ? 0 : static_cast<size_t>(number(data, at + 2, 2)));
  }
  return {};
}

std::optional<ImageSize> webp_size(Bytes data) {
  int width = 0, height = 0;
  if (WebPGetInfo(reinterpret_cast<const uint8_t*>(data.data()), data.size(), &width, &height) == 0)
    return {};
  return ImageSize{width, height};
}

// The first two numbers after "P5"; comments go from # to the end of the line.
std::optional<ImageSize> pnm_size(Bytes data) {
  int64_t found[2] = {0, 0};
  size_t at = 2;
  for (int64_t& value : found) {
    bool comment = false, digits = false;
    for (; at < data.size(); ++at) {
      const char byte = static_cast<char>(data[at]);
      const bool digit = !comment && byte >= '0' && byte <= '9';
      if (digits && !digit) break;
      if (digit && value > INT32_MAX) return {};
      if (digit) value = value * 10 + (byte - '0');
      digits = digit;
      if (byte == '#') comment = true;
      if (byte == '\n') comment = false;
    }
    if (!digits) return {};
  }
  return ImageSize{found[0], found[1]};
}

}  // namespace

std::optional<ImageSize> image_size(Bytes data) {
  if (has(data, 0, "\x89PNG\r\n\x1A\n")) return png_size(data);
  if (has(data, 0, "\xFF\xD8\xFF")) return jpeg_size(data);
  if (has(data, 0, "RIFF") && has(data, 8, "WEBP")) return webp_size(data);
  if (data.size() > 2 && data[0] == std::byte{'P'} && data[1] >= std::byte{'1'} && data[1] <= std::byte{'6'})
    return pnm_size(data);
  return {};
}

}  // namespace lodestone::sampler
