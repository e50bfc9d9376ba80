#include "sampler/image_source.h"

#include <filesystem>

#include "sampler/idx.h"
#include "sampler/quarter_turns.h"

namespace lodestone {

namespace {

bool is_idx(const std::filesystem::path& path) {
  std::error_code ignored;
  return path.filename().string().find("images-idx3") != std::string::npos &&
         std::filesystem::is_regular_file(path, ignored);
}

std::shared_ptr<const ImageDataset> open_source(const ImageSourceConfig& config,
                                                const DecodeOptions& decode) {
  if (config.path.empty()) throw ConfigError("data: expected `path` to name a folder or shards, got nothing");
  if (is_idx(config.path)) {
    if (!config.class_filter.empty())
      throw ConfigError("data: class_filter is not available for IDX files; remove it");
    return open_idx(config.path, decode);
  }
  if (config.path.find(".tar") != std::string::npos && !std::filesystem::is_directory(config.path))
    return open_tar_shards(config, decode);
  return open_image_folder(config, decode);
}

}  // namespace

void ImageSourceConfig::visit(Fields& f) {
  f.field({"path",
           "folder of class folders, tar shards (train-{000..009}.tar, globs allowed), or IDX image file"},
          &path);
  f.field({"class_filter", "globs of class names to keep; with a leading ! to leave out; empty keeps all"},
          &class_filter);
  f.field({"quarter_turns", "count every class turned by 90, 180 and 270 degrees as a class of its own"},
          &quarter_turns);
  f.field(
      {"skip_incomplete", "leave out keys of a shard that lack their picture or class, instead of failing"},
      &skip_incomplete);
}

std::shared_ptr<const ImageDataset> open_images(const ImageSourceConfig& config,
                                                const DecodeOptions& decode) {
  auto dataset = open_source(config, decode);
  return config.quarter_turns ? quarter_turns(std::move(dataset)) : dataset;
}

}  // namespace lodestone
