#include "sampler/sources/idx.h"

#include <algorithm>
#include <filesystem>

#include "common/error.h"
#include "sampler/codecs/decode_formats.h"
#include "sampler/files/gunzip.h"
#include "sampler/sources/indexed_images.h"

namespace lodestone::sampler {

namespace {

constexpr uint32_t kImages = 0x00000803;
constexpr uint32_t kLabels = 0x00000801;
constexpr int64_t kMaxBytes = int64_t{16} << 30;

/// An IDX file of bytes, header included.
struct IdxFile {
  explicit IdxFile(const std::string& name) : path(name), bytes(read_maybe_gzip(name, kMaxBytes)) {}

  std::string path;
  std::vector<std::byte> bytes;

  int64_t size() const { return static_cast<int64_t>(bytes.size()); }
  int64_t number(size_t offset) const {
    if (offset + 4 > bytes.size()) refuse(offset, "a header", "the end of the file");
    uint32_t value = 0;
    for (size_t i = offset; i < offset + 4; ++i) value = value << 8 | static_cast<uint32_t>(bytes[i]);
    return value;
  }
  void check_magic(uint32_t magic) const {
    if (number(0) != magic) refuse(0, "an IDX file of type " + std::to_string(magic), "another format");
  }
  void check_length(int64_t header, int64_t content) const {
    if (size() != header + content)
      refuse(static_cast<size_t>(header), std::to_string(content) + " bytes of content",
             std::to_string(size() - header));
  }
  [[noreturn]] void refuse(size_t offset, const std::string& expected, const std::string& got) const {
    throw DataError("idx: expected " + expected + ", got " + got + " at offset " + std::to_string(offset) +
                    " of " + path + "; fetch the file again");
  }
};

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
  Idx(ClassTable table, IdxFile file, int width, int height, int channels)
      : IndexedImages(std::move(table)),
        file_(std::move(file)),
        name_(std::filesystem::path(file_.path).filename().string()),
        width_(width),
        height_(height),
        channels_(channels) {}

  void add_label(uint8_t label) { add(table().index(std::to_string(label)), key(size())); }
  std::string key(int64_t i) const override { return name_ + "!" + std::to_string(i); }

  Image get(int64_t i) const override {
    Image image(width_, height_, channels_);
    const size_t area = static_cast<size_t>(width_) * static_cast<size_t>(height_);
    const std::byte* from = file_.bytes.data() + kHeader + static_cast<size_t>(i) * area;
    const auto repeat = static_cast<size_t>(channels_);
    for (size_t p = 0; p < area; ++p)
      std::fill_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(p * repeat), repeat,
                  static_cast<uint8_t>(from[p]));
    return image;
  }

 private:
  static constexpr size_t kHeader = 16;
  IdxFile file_;
  std::string name_;
  int width_, height_, channels_;
};

}  // namespace

std::shared_ptr<const ImageDataset> open_idx(const std::string& path, const DecodeOptions& decode) {
  IdxFile images(path);
  const IdxFile labels(labels_path(path));
  images.check_magic(kImages);
  labels.check_magic(kLabels);
  const int64_t count = images.number(4);
  const int64_t height = images.number(8);
  const int64_t width = images.number(12);
  check_size(width, height, decode, path);
  images.check_length(16, count * height * width);  // at most 2^32 · 2^26, so it fits
  if (labels.number(4) != count)
    labels.refuse(4, std::to_string(count) + " labels", std::to_string(labels.number(4)));
  labels.check_length(8, count);
  if (count == 0) images.refuse(4, "images", "none");

  const std::span<const std::byte> classes = std::span(labels.bytes).subspan(8);
  std::set<std::string> names;
  for (std::byte c : classes) names.insert(std::to_string(static_cast<int>(c)));
  auto set = std::make_shared<Idx>(ClassTable(names, {}), std::move(images), static_cast<int>(width),
                                   static_cast<int>(height), decode.channels);
  for (std::byte c : classes) set->add_label(static_cast<uint8_t>(c));
  return set;
}

}  // namespace lodestone::sampler
