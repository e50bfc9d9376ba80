#include "trainer/search/picture.h"

#include <span>
#include <string_view>

#include "common/error.h"
#include "sampler/codecs/decode.h"
#include "sampler/codecs/thumbnail.h"
#include "trainer/report/html.h"

namespace lodestone::search {

namespace {

constexpr size_t kSmallFile = size_t{256} << 10;

std::string data_uri(const char* type, const std::string& file) {
  return std::string("data:") + type + ";base64," + report::base64(file);
}

// The type of a file that browsers show, by its first bytes.
const char* browser_type(std::string_view file) {
  return file.starts_with("\x89PNG")                               ? "image/png"
         : file.starts_with("\xFF\xD8\xFF")                        ? "image/jpeg"
         : file.starts_with("RIFF") && file.substr(8, 4) == "WEBP" ? "image/webp"
                                                                   : nullptr;
}

}  // namespace

std::string thumbnail_uri(const std::string& thumbnail) {
  const char* type = sampler::thumbnail_type(thumbnail);
  return type ? data_uri(type, thumbnail) : "";
}

std::string picture_uri(const std::string& file) {
  sampler::Image image;
  try {
    image = sampler::decode_image(std::as_bytes(std::span(file)), {.channels = 3, .at_least = 320}, "image");
  } catch (const DataError&) {
    return "";
  }
  // It has decoded, so it is long enough for its first bytes.
  const char* type = browser_type(file);
  if (type && file.size() <= kSmallFile) return data_uri(type, file);
  return data_uri("image/png", sampler::page_png(image));
}

}  // namespace lodestone::search
