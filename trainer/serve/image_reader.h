#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sampler/augment/transforms.h"

namespace lodestone::serve {

/// Limits for the images that clients send.
struct ImageLimits {
  int64_t pixels = int64_t{16} << 20;           ///< of one image
  int64_t request_pixels = int64_t{256} << 20;  ///< of all images of a request
  int64_t decoded_bytes = int64_t{1} << 30;     ///< memory for decoding, for all requests in progress

  /// Throws    ConfigError, with serve's options, if an image of `pixels` can never be decoded within the
  ///           others
  void check() const;
};

/// Converts a client's image into the encoder's input. No image is kept in the size that the client chose.
/// Threads   safe concurrently
class ImageReader {
 public:
  ImageReader(sampler::ImageTransform transform, const ImageLimits& limits)
      : transform_(std::move(transform)), limits_(limits) {}

  /// Largest memory for decoding the images of a request one after another, computed from their headers
  /// before any is decoded.
  /// Throws    DataError that names the image that is too large, or says that all of them together are
  int64_t decoding_bytes(const std::vector<std::string_view>& images) const;
  /// Whether reading these images takes about as long as handing them to another thread.
  bool quick(const std::vector<std::string_view>& images) const;
  /// Memory of the result of read().
  int64_t kept_bytes() const { return transform_.numel() * static_cast<int64_t>(sizeof(float)); }
  /// values_CHW as ImageTransform::plain computes them. If `thumbnail` is given, it becomes a small file of
  /// the image as it was decoded, to show beside its embedding.
  /// Throws    DataError that contains `where`
  std::vector<float> read(std::string_view image, const std::string& where,
                          std::string* thumbnail = nullptr) const;

 private:
  int64_t pixels_of(std::string_view image) const;

  const sampler::ImageTransform transform_;
  const ImageLimits limits_;
};

}  // namespace lodestone::serve
