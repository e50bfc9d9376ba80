#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "sampler/decode.h"
#include "sampler/indexed_images.h"
#include "sampler/name_pool.h"

namespace lodestone {

inline constexpr uint64_t kMaxImageBytes = uint64_t{256} << 20;  ///< of one encoded picture

/// Pictures in files of their own. A sample's key is its path below the root, so moving the root keeps the
/// ids.
class ImageFiles : public IndexedImages {
 public:
  ImageFiles(std::filesystem::path root, ClassTable table, const DecodeOptions& decode)
      : IndexedImages(std::move(table)), root_(std::move(root)), decode_(decode) {}

  /// Adds root/relative as a sample of the class.
  void add_file(std::string_view relative, const std::string& class_name);

  std::string key(int64_t i) const override { return std::string(relative_.at(i)); }
  Image get(int64_t i) const override;

 private:
  std::filesystem::path root_;
  DecodeOptions decode_;
  NamePool relative_;
};

/// Reads and decodes a file. Throws DataError naming it.
Image read_image(const std::filesystem::path& path, const DecodeOptions& decode);

/// Whether the name ends in .png, .jpg, .jpeg, .webp, .pgm, .ppm, .pbm or .pnm, in any case.
bool has_image_ending(const std::string& name);

}  // namespace lodestone
