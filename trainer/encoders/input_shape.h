#pragma once

#include <cstdint>
#include <string>

namespace lodestone::encoders {

/// The shape of one example: an image, a text, or either.
struct InputShape {
  int64_t channels = 0;  ///< 0: no example is an image
  int64_t height = 0;
  int64_t width = 0;
  int64_t vocabulary = 0;  ///< tokens are numbers below this; 0: no example is a text
  int64_t max_tokens = 0;
};

/// Throws ConfigError, naming the encoder, unless all examples are images (expect_images) or texts
/// (expect_texts).
void expect_images(const std::string& encoder, const InputShape& input);
void expect_texts(const std::string& encoder, const InputShape& input);

}  // namespace lodestone::encoders
