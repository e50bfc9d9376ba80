#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sampler/augment/transforms.h"

namespace lodestone {

/// What pictures of clients may take.
struct PictureLimits {
  int64_t pixels = int64_t{16} << 20;           ///< of one
  int64_t request_pixels = int64_t{256} << 20;  ///< of all in a request
  int64_t decoded_bytes = int64_t{1} << 30;     ///< of memory, for all requests at once
};

/// Makes the encoder's input of a client's picture, at once: nothing is kept at the size that the client chose.
/// Threads   safe concurrently
class PictureReader {
 public:
  PictureReader(ImageTransform transform, const PictureLimits& limits)
      : transform_(std::move(transform)), limits_(limits) {}

  /// Memory that decoding takes, at most, of a request's pictures one after another; told from their headers, before any is decoded.
  /// Throws    DataError naming the picture that is too large, or that all of them are
  int64_t decoding_bytes(const std::vector<std::string_view>& pictures) const;
  /// Memory of what read() makes.
  int64_t kept_bytes() const { return transform_.numel() * static_cast<int64_t>(sizeof(float)); }
  /// values_CHW as ImageTransform::plain makes them. Throws DataError naming `where`.
  std::vector<float> read(std::string_view picture, const std::string& where) const;

 private:
  const ImageTransform transform_;
  const PictureLimits limits_;
};

}  // namespace lodestone
