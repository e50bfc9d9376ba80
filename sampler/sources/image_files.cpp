#include "sampler/sources/image_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>

#include "common/error.h"
#include "common/files.h"
#include "sampler/files/positioned_file.h"

namespace lodestone::sampler {

namespace {

constexpr std::array<std::string_view, 10> kRead{".png",  ".jpg", ".jpeg", ".jpe", ".jfif",
                                                 ".webp", ".pgm", ".ppm",  ".pbm", ".pnm"};
// Endings of other image formats that cameras, scanners and programs write.
constexpr std::array<std::string_view, 24> kOther{
    ".bmp", ".dib", ".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2", ".j2k", ".jxl", ".ico",
    ".svg", ".psd", ".tga", ".pcx", ".exr",  ".hdr",  ".dng",  ".cr2",  ".nef", ".arw", ".raw", ".eps"};
constexpr size_t kMaxEndings = 20;

template <size_t N>
bool holds(const std::array<std::string_view, N>& endings, std::string_view ending) {
  return !ending.empty() && std::find(endings.begin(), endings.end(), ending) != endings.end();
}

}  // namespace

void ImageFiles::add_file(std::string_view relative, const std::string& class_name) {
  add(table().index(class_name), relative);
  relative_.add(relative);
}

Image ImageFiles::get(int64_t i) const {
  return read_image(root_ / key(i), decode_);
}

std::vector<std::byte> ImageFiles::encoded(int64_t i) const {
  return read_encoded(root_ / key(i));
}

std::vector<std::byte> read_encoded(const std::filesystem::path& path) {
  const PositionedFile file(path.string());
  if (file.size() > static_cast<int64_t>(kMaxImageBytes))
    throw DataError("images: expected an image of at most 256 MiB, got " + std::to_string(file.size()) +
                    " bytes in " + path.string() + "; remove it");
  return file.read(0, file.size());
}

Image read_image(const std::filesystem::path& path, const DecodeOptions& decode) {
  std::string bytes;
  try {
    bytes = read_file(path, kMaxImageBytes);
  } catch (const IoError&) {
    std::throw_with_nested(DataError("images: expected a readable image, got an error from " + path.string() +
                                     "; restore or remove it"));
  }
  return decode_image(std::as_bytes(std::span(bytes)), decode, path.string());
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool is_image_ending(std::string_view ending) {
  return holds(kRead, ending);
}

bool has_image_ending(const std::string& name) {
  return is_image_ending(lower_case(std::filesystem::path(name).extension().string()));
}

void UnreadEndings::add(const std::string& ending, const std::string& example) {
  const bool own = seen_.contains(ending) || seen_.size() < kMaxEndings;
  if (own) seen_.insert(ending);
  const std::string many(what_);
  if (!own)
    left_out_.add(many + " with other endings", example);
  else if (holds(kOther, ending))
    left_out_.add(many + " of an image format that is not read (*" + ending + "); convert to PNG or JPEG",
                  example);
  else if (is_image_ending(ending.substr(std::min(ending.rfind('.'), ending.size()))))
    left_out_.add(
        many + " with more between key and ending (*" + ending + "); a key ends at the first dot of the name",
        example);
  else if (ending.empty())
    left_out_.add(many + " without an ending; name images *.png, *.jpg or *.webp", example);
  else
    left_out_.add(many + " with an ending that is no image's (*" + ending + ")", example);
}

}  // namespace lodestone::sampler
