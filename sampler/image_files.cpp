#include "sampler/image_files.h"

#include <algorithm>
#include <cctype>
#include <span>

#include "common/error.h"
#include "common/files.h"

namespace lodestone {

void ImageFiles::add_file(std::string_view relative, const std::string& class_name) {
  add(table().index(class_name), relative);
  relative_.add(relative);
}

Image ImageFiles::get(int64_t i) const {
  return read_image(root_ / key(i), decode_);
}

Image read_image(const std::filesystem::path& path, const DecodeOptions& decode) {
  std::string bytes;
  try {
    bytes = read_file(path, kMaxImageBytes);
  } catch (const IoError&) {
    std::throw_with_nested(DataError("images: expected a readable picture, got an error from " +
                                     path.string() + "; restore or remove it"));
  }
  return decode_image(std::as_bytes(std::span(bytes)), decode, path.string());
}

bool has_image_ending(const std::string& name) {
  std::string ending = std::filesystem::path(name).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  constexpr std::string_view kEndings[] = {".png", ".jpg", ".jpeg", ".webp", ".pgm", ".ppm", ".pbm", ".pnm"};
  return std::find(std::begin(kEndings), std::end(kEndings), ending) != std::end(kEndings);
}

}  // namespace lodestone
