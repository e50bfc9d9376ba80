#include <algorithm>

#include "common/error.h"
#include "sampler/codecs/decode_formats.h"

namespace lodestone::sampler {

namespace {

/// Reads the parts of a PBM, PGM or PPM in order.
class PnmReader {
 public:
  PnmReader(std::span<const std::byte> data, std::string_view where) : data_(data), where_(where) {}

  [[noreturn]] void refuse(const std::string& got) const {
    throw DataError("image: expected a valid PBM, PGM or PPM, got " + got + " at offset " +
                    std::to_string(at_) + " in " + std::string(where_) + "; replace or remove this image");
  }

  uint8_t byte() {
    if (at_ == data_.size()) refuse("the end of the file");
    return static_cast<uint8_t>(data_[at_++]);
  }

  /// A decimal number of the header or of a plain raster; comments go from # to the end of the line.
  int number() {
    skip_blank();
    int64_t value = 0;
    size_t digits = 0;
    for (; at_ < data_.size() && is_digit(data_[at_]); ++at_, ++digits) {
      value = value * 10 + (static_cast<int>(data_[at_]) - '0');
      if (value > INT32_MAX) refuse("a number beyond 2147483647");
    }
    if (digits == 0) refuse("something that is not a number");
    return static_cast<int>(value);
  }

  /// A bit of a plain raster: bits may follow each other without white space.
  int bit() {
    skip_blank();
    const uint8_t digit = byte();
    if (digit != '0' && digit != '1') refuse("something that is neither 0 nor 1");
    return digit - '0';
  }

  /// The single white space between header and binary raster.
  void end_header() {
    if (!is_blank(std::byte{byte()})) refuse("no blank after the header");
  }

  size_t left() const { return data_.size() - at_; }

 private:
  static bool is_digit(std::byte b) { return b >= std::byte{'0'} && b <= std::byte{'9'}; }
  static bool is_blank(std::byte b) {
    return b == std::byte{' '} || (b >= std::byte{9} && b <= std::byte{13});
  }

  void skip_blank() {
    for (; at_ < data_.size(); ++at_) {
      if (data_[at_] == std::byte{'#'})
        while (at_ + 1 < data_.size() && data_[at_] != std::byte{'\n'}) ++at_;
      else if (!is_blank(data_[at_]))
        return;
    }
  }

  std::span<const std::byte> data_;
  std::string_view where_;
  size_t at_ = 2;  // after "P5"
};

/// kind: 1 bits, 2 grey, 3 colour, in decimal digits; 4, 5, 6 the same in bytes.
std::vector<uint8_t> read_raster(PnmReader& reader, int kind, int width, int height, int most) {
  const size_t per_row = static_cast<size_t>(width) * (kind % 3 == 0 ? 3 : 1);
  std::vector<uint8_t> values(per_row * static_cast<size_t>(height));
  const auto scaled = [&](int value) {
    if (value > most) reader.refuse("a value above the maximum of " + std::to_string(most));
    return static_cast<uint8_t>((value * 255 + most / 2) / most);
  };
  for (size_t y = 0, at = 0; y < static_cast<size_t>(height); ++y) {
    uint8_t eight = 0;
    for (size_t x = 0; x < per_row; ++x, ++at) {
      if (kind == 1) {
        values[at] = reader.bit() ? 0 : 255;
      } else if (kind == 4) {
        if (x % 8 == 0) eight = reader.byte();
        values[at] = (eight >> (7 - x % 8)) & 1 ? 0 : 255;
      } else if (kind <= 3) {
        values[at] = scaled(reader.number());
      } else {
        int value = reader.byte();
        if (most > 255) value = value << 8 | reader.byte();
        values[at] = scaled(value);
      }
    }
  }
  return values;
}

}  // namespace

Image decode_pnm(std::span<const std::byte> data, const DecodeOptions& options, std::string_view where) {
  PnmReader reader(data, where);
  const int kind = static_cast<int>(data[1]) - '0';
  const int width = reader.number();
  const int height = reader.number();
  check_size(width, height, options, where);
  const bool bits = kind == 1 || kind == 4;
  const int most = bits ? 1 : reader.number();
  if (most < 1 || most > 65535) reader.refuse("a maximum of " + std::to_string(most));
  if (kind > 3) reader.end_header();
  // The file has at least one bit per pixel; checked before memory is allocated.
  if (reader.left() < static_cast<size_t>(width) * static_cast<size_t>(height) / 8)
    reader.refuse("too few pixels");
  const bool colour = kind % 3 == 0;
  const std::vector<uint8_t> values = read_raster(reader, kind, width, height, most);
  Image image(width, height, options.channels);
  const size_t pixels = static_cast<size_t>(width) * static_cast<size_t>(height);
  for (size_t p = 0; p < pixels; ++p) {
    const uint8_t* value = values.data() + p * (colour ? 3 : 1);
    uint8_t* out = image.pixels.data() + p * static_cast<size_t>(options.channels);
    if (options.channels == 1)
      *out = colour ? luma(value[0], value[1], value[2]) : *value;
    else
      for (size_t c = 0; c < 3; ++c) out[c] = value[colour ? c : 0];
  }
  return image;
}

}  // namespace lodestone::sampler
