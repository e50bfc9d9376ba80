#include "sampler/image_files.h"

#include <algorithm>
#include <cctype>
#include <span>

#include "common/error.h"
#include "common/files.h"

namespace lodestone {

void ImageFiles::add_file(std::string relative, const std::string& class_name) {
  add(table().index(class_name), relative);
  relative_.push_back(std::move(relative));
}

Image ImageFiles::get(int64_t i) const {
  const std::filesystem::path path = root_ / key(i);
  std::string bytes;
  try {
    bytes = read_file(path, kMaxImageBytes);
  } catch (const IoError&) {
    std::throw_with_nested(DataError("images: expected a readable picture, got an error from " +
                                     path.string() + "; restore or remove it"));
  }
  return decode_image(std::as_bytes(std::span(bytes)), decode_, path.string());
}

bool has_image_ending(const std::string& name) {
  std::string ending = std::filesystem::path(name).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

}  // namespace lodestone
