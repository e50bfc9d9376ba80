#include "common/paths.h"
#include "sampler/sources/filtered_images.h"
#include "sampler/sources/idx.h"
#include "sampler/sources/image_format.h"

namespace lodestone::sampler {

namespace {

bool is_list(const std::string& path) {
  return path.ends_with(".csv") || path.ends_with(".tsv");
}

bool is_shards(const std::string& path) {
  return path.find(".tar") != std::string::npos && !is_list(path);
}

bool is_idx(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return name.find("images-idx3") != std::string::npos && !is_list(path) && !is_shards(path);
}

template <auto open>
std::shared_ptr<const ImageDataset> open_filtered(const ImageSourceConfig& config,
                                                  const DecodeOptions& decode,
                                                  const BadRecordConfig& bad_records,
                                                  ClassFilter* of_mixture) {
  return of_mixture ? open(config, decode, bad_records, *of_mixture)
                    : open_alone(open, config, decode, bad_records);
}

std::shared_ptr<const ImageDataset> open_unfiltered_idx(const ImageSourceConfig& config,
                                                        const DecodeOptions& decode, const BadRecordConfig&,
                                                        ClassFilter*) {
  return open_idx(config.path, decode);
}

}  // namespace

std::span<const ImageFormat> image_format_table() {
  static constexpr ImageFormat kRows[] = {
      {.name = "folder",
       .doc = "folder of class folders",
       .named = nullptr,
       .open = open_filtered<open_filtered_folder>},
      {.name = "list",
       .doc = "list of images (*.csv, *.tsv)",
       .named = is_list,
       .open = open_filtered<open_filtered_manifest>,
       .has_splits = true},
      {.name = "shards",
       .doc = "tar shards (train-{000..009}.tar, globs allowed)",
       .named = is_shards,
       .open = open_filtered<open_filtered_shards>,
       .is_indexed = true},
      {.name = "idx",
       .doc = "IDX image file",
       .named = is_idx,
       .open = open_unfiltered_idx,
       .has_class_filter = false},
  };
  return kRows;
}

const ImageFormat& image_format(const std::string& path) {
  const ImageFormat* folder = nullptr;
  for (const ImageFormat& row : image_format_table()) {
    if (row.named == nullptr) folder = &row;
    if (row.named != nullptr && row.named(path) && !is_folder(path)) return row;
  }
  return *folder;
}

}  // namespace lodestone::sampler
