#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.h"
#include "sampler/codecs/encode_png.h"
#include "sampler/dataset.h"

/// Images and image files made by the tests themselves.
namespace lodestone::testing {
using namespace sampler;

/// A small image that differs from that of every other (class, sample): a gradient with a bar.
inline Image drawn_image(int64_t label, int64_t sample, int width = 12, int height = 10, int channels = 1) {
  Image image(width, height, channels);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        image.at(x, y, c) =
            static_cast<uint8_t>(x == label % width ? 255 : 17 * label + 5 * sample + 3 * x + 7 * y + c);
  return image;
}

/// `per_class` images of each of `classes` classes "c0", "c1", …; sample i belongs to class i / per_class.
/// `groups` gives each class's group (empty: each its own); the samples in `bad` throw DataError.
class SyntheticImages : public ImageDataset {
 public:
  SyntheticImages(int64_t classes, int64_t per_class, std::vector<int64_t> groups = {},
                  std::set<int64_t> bad = {})
      : classes_(classes), per_class_(per_class), groups_(std::move(groups)), bad_(std::move(bad)) {}

  int64_t size() const override { return classes_ * per_class_; }
  int64_t label(int64_t i) const override { return i / per_class_; }
  uint64_t id(int64_t i) const override { return sample_id(key(i)); }
  std::string key(int64_t i) const override { return "synthetic/" + std::to_string(i); }
  int64_t classes() const override { return classes_; }
  std::string class_name(int64_t c) const override { return std::string("c").append(std::to_string(c)); }
  int64_t group(int64_t c) const override { return groups_.empty() ? c : groups_[static_cast<size_t>(c)]; }
  Image get(int64_t i) const override {
    if (bad_.contains(i)) throw DataError("synthetic: bad record " + key(i));
    return drawn_image(label(i), i % per_class_);
  }

 private:
  int64_t classes_;
  int64_t per_class_;
  std::vector<int64_t> groups_;
  std::set<int64_t> bad_;
};

inline void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::string as_text(const std::vector<uint8_t>& bytes) {
  return std::string(bytes.begin(), bytes.end());
}

inline std::string png_text(const Image& image) {
  return as_text(encode_png(image));
}

inline void write_png(const std::filesystem::path& path, const Image& image) {
  write_bytes(path, png_text(image));
}

/// Writes tars byte by byte, valid and invalid ones.
class Tar {
 public:
  /// `type` as in ustar: '0' file, '1' hard link, '2' symbolic link, '3' device, '5' directory, 'x' pax
  /// header.
  Tar& add(const std::string& name, std::string_view content, char type = '0',
           const std::string& target = "") {
    char header[512] = {};
    std::snprintf(header, 100, "%s", name.c_str());
    std::snprintf(header + 100, 8, "%07o", 0644);
    std::snprintf(header + 108, 8, "%07o", 0);
    std::snprintf(header + 116, 8, "%07o", 0);
    std::snprintf(header + 124, 12, "%011zo", content.size());
    std::snprintf(header + 136, 12, "%011o", 0);
    header[156] = type;
    std::snprintf(header + 157, 100, "%s", target.c_str());
    std::string_view("ustar\00000", 8).copy(header + 257, 8);
    std::memset(header + 148, ' ', 8);
    unsigned sum = 0;
    for (char c : header) sum += static_cast<unsigned char>(c);
    std::snprintf(header + 148, 8, "%06o", sum);
    bytes_.append(header, sizeof(header));
    bytes_.append(content);
    bytes_.append((512 - content.size() % 512) % 512, '\0');
    return *this;
  }

  /// Adds a sample in the WebDataset layout.
  Tar& add_sample(const std::string& key, const Image& image, const std::string& class_name) {
    return add(key + ".png", png_text(image)).add(key + ".cls", class_name);
  }

  std::string unfinished() const { return bytes_; }
  std::string finished() const { return bytes_ + std::string(1024, '\0'); }

 private:
  std::string bytes_;
};

}  // namespace lodestone::testing
