#include "trainer/encoders/input_shape.h"

#include "common/error.h"

namespace lodestone {

void expect_pictures(const std::string& encoder, const InputShape& input) {
  if (input.channels < 1 || input.vocabulary > 0)
    throw ConfigError(encoder + ": expected pictures and nothing else, got " +
                      (input.channels < 1 ? "texts" : "pictures and texts") +
                      "; choose an encoder of texts, or two_tower for both");
}

void expect_texts(const std::string& encoder, const InputShape& input) {
  if (input.vocabulary < 1 || input.channels > 0)
    throw ConfigError(encoder + ": expected texts and nothing else, got " +
                      (input.vocabulary < 1 ? "pictures" : "pictures and texts") +
                      "; choose an encoder of pictures, or two_tower for both");
}

}  // namespace lodestone
