#include "trainer/encoders/input_shape.h"

#include "common/error.h"

namespace lodestone::encoders {

void expect_images(const std::string& encoder, const InputShape& input) {
  if (input.channels < 1 || input.vocabulary > 0)
    throw ConfigError(encoder + ": expected images and nothing else, got " +
                      (input.channels < 1 ? "texts" : "images and texts") +
                      "; choose an encoder of texts, or two_tower for both");
}

void expect_texts(const std::string& encoder, const InputShape& input) {
  if (input.vocabulary < 1 || input.channels > 0)
    throw ConfigError(encoder + ": expected texts and nothing else, got " +
                      (input.vocabulary < 1 ? "images" : "images and texts") +
                      "; choose an encoder of images, or two_tower for both");
}

}  // namespace lodestone::encoders
