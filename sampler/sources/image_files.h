#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sampler/codecs/decode.h"
#include "sampler/sources/encoded_images.h"
#include "sampler/sources/indexed_images.h"
#include "sampler/sources/name_pool.h"

namespace lodestone::sampler {

inline constexpr uint64_t kMaxImageBytes = uint64_t{256} << 20;  ///< limit of one encoded image

/// Images in files of their own. A sample's key is its path relative to the root, so moving the root keeps
/// the ids.
class ImageFiles : public IndexedImages, public EncodedImages {
 public:
  ImageFiles(std::filesystem::path root, ClassTable table, const DecodeOptions& decode)
      : IndexedImages(std::move(table)), root_(std::move(root)), decode_(decode) {}

  /// Adds the file root/relative as a sample of the class.
  void add_file(std::string_view relative, const std::string& class_name);

  std::string key(int64_t i) const override { return std::string(relative_.at(i)); }
  Image get(int64_t i) const override;
  std::vector<std::byte> encoded(int64_t i) const override;

 private:
  std::filesystem::path root_;
  DecodeOptions decode_;
  NamePool relative_;
};

/// Reads and decodes an image file. Throws DataError naming it.
Image read_image(const std::filesystem::path& path, const DecodeOptions& decode);

/// The bytes of an image file. Throws DataError naming it.
std::vector<std::byte> read_encoded(const std::filesystem::path& path);

/// ASCII letters in lower case.
std::string lower_case(std::string text);

/// Whether `ending` is .png, .jpg, .jpeg, .jpe, .jfif, .webp, .pgm, .ppm, .pbm or .pnm.
bool is_image_ending(std::string_view ending);

/// Whether the name has such an ending, in any case.
bool has_image_ending(const std::string& name);

/// Counts files that are left out because of their ending: by ending for the first 20 endings, the rest
/// together.
class UnreadEndings {
 public:
  /// `what` is counted, in the plural: "files".
  explicit UnreadEndings(const char* what) : what_(what) {}
  /// `ending` is in lower case: ".bmp", or "".
  void add(const std::string& ending, const std::string& example);
  const LeftOut& left_out() const { return left_out_; }

 private:
  const char* what_;
  std::set<std::string> seen_;
  LeftOut left_out_;
};

}  // namespace lodestone::sampler
