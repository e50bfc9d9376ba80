#include "sampler/idx.h"

#include <algorithm>
#include <filesystem>

#include "common/error.h"
#include "sampler/decode_formats.h"
#include "sampler/indexed_images.h"
#include "sampler/positioned_file.h"

namespace lodestone {

namespace {

constexpr uint32_t kImages = 0x00000803;
constexpr uint32_t kLabels = 0x00000801;

[[noreturn]] void refuse(const PositionedFile& file, int64_t offset, const std::string& expected,
                         const std::string& got) {
  throw DataError("idx: expected " + expected + ", got " + got + " at offset " + std::to_string(offset) +
                  " of " + file.path() + "; decompress or fetch the file again");
}

uint32_t big_endian(const PositionedFile& file, int64_t offset) {
  uint32_t value = 0;
  for (std::byte b : file.read(offset, 4)) value = value << 8 | static_cast<uint32_t>(b);
  return value;
}

void check_magic(const PositionedFile& file, uint32_t magic) {
  if (file.size() < 4 || big_endian(file, 0) != magic)
    refuse(file, 0, "an IDX file of type " + std::to_string(magic), "another format");
}

void check_length(const PositionedFile& file, int64_t header, int64_t content) {
  if (file.size() != header + content)
    refuse(file, header, std::to_string(content) + " bytes of content", std::to_string(file.size() - header));
}

std::string labels_path(const std::string& path) {
  std::string name = std::filesystem::path(path).filename().string();
  const auto at = name.find("images-idx3");
  if (at == std::string::npos)
    throw DataError("idx: expected a file named …images-idx3…, got " + path + "; its labels cannot be found");
  name.replace(at, 11, "labels-idx1");
  return (std::filesystem::path(path).parent_path() / name).string();
}

class Idx : public IndexedImages {
 public:
  Idx(ClassTable table, std::string name, int width, int height, int channels, std::vector<std::byte> pixels)
      : IndexedImages(std::move(table)),
        name_(std::move(name)),
        width_(width),
        height_(height),
        channels_(channels),
        pixels_(std::move(pixels)) {}

  void add_label(uint8_t label) { add(table().index(std::to_string(label)), key(size())); }
  std::string key(int64_t i) const override { return name_ + "!" + std::to_string(i); }

  Image get(int64_t i) const override {
    Image image(width_, height_, channels_);
    const size_t area = static_cast<size_t>(width_) * static_cast<size_t>(height_);
    const std::byte* from = pixels_.data() + static_cast<size_t>(i) * area;
    const auto repeat = static_cast<size_t>(channels_);
    for (size_t p = 0; p < area; ++p)
      std::fill_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(p * repeat), repeat,
                  static_cast<uint8_t>(from[p]));
    return image;
  }

 private:
  std::string name_;
  int width_, height_, channels_;
  std::vector<std::byte> pixels_;
};

}  // namespace

std::shared_ptr<const ImageDataset> open_idx(const std::string& path, const DecodeOptions& decode) {
  const PositionedFile images(path);
  const PositionedFile labels(labels_path(path));
  check_magic(images, kImages);
  check_magic(labels, kLabels);
  const int64_t count = big_endian(images, 4);
  const int64_t height = big_endian(images, 8);
  const int64_t width = big_endian(images, 12);
  check_size(width, height, decode, path);
  check_length(images, 16, count * height * width);
  if (big_endian(labels, 4) != count)
    refuse(labels, 4, std::to_string(count) + " labels", std::to_string(big_endian(labels, 4)));
  check_length(labels, 8, count);
  if (count == 0) refuse(images, 4, "pictures", "none");

  const std::vector<std::byte> classes = labels.read(8, count);
  std::set<std::string> names;
  for (std::byte c : classes) names.insert(std::to_string(static_cast<int>(c)));
  auto set = std::make_shared<Idx>(ClassTable(names, {}), std::filesystem::path(path).filename().string(),
                                   static_cast<int>(width), static_cast<int>(height), decode.channels,
                                   images.read(16, count * height * width));
  for (std::byte c : classes) set->add_label(static_cast<uint8_t>(c));
  return set;
}

}  // namespace lodestone
