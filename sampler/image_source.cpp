#include "sampler/image_source.h"

#include <filesystem>

#include "common/paths.h"
#include "sampler/idx.h"
#include "sampler/mixed_images.h"
#include "sampler/quarter_turns.h"

namespace lodestone {

namespace {

std::shared_ptr<const ImageDataset> open_path(const ImageSourceConfig& config, const DecodeOptions& decode,
                                              const BadRecordConfig& bad_records) {
  const std::filesystem::path path(config.path);
  if (path.empty()) throw ConfigError("data: expected `path` to name a folder or shards, got nothing");
  const bool is_list = path.extension() == ".csv" || path.extension() == ".tsv";
  if (!config.split.empty() && !is_list)
    throw ConfigError("data: split is for lists (*.csv, *.tsv), got it with '" + config.path +
                      "'; remove it");
  if (path.filename().string().find("images-idx3") != std::string::npos && is_file(path)) {
    if (!config.class_filter.empty())
      throw ConfigError("data: class_filter is not available for IDX files; remove it");
    return open_idx(config.path, decode);
  }
  if (is_list) return open_image_manifest(config, decode, bad_records);
  if (config.path.find(".tar") != std::string::npos && !is_folder(path))
    return open_tar_shards(config, decode, bad_records);
  return open_image_folder(config, decode);
}

std::shared_ptr<const ImageDataset> open_source(const ImageSourceConfig& config, const DecodeOptions& decode,
                                                const BadRecordConfig& bad_records) {
  if (config.mixture.empty() && !config.mixture_weights.empty())
    throw ConfigError("data: expected mixture beside mixture_weights, got none");
  if (config.mixture.empty()) return open_path(config, decode, bad_records);
  if (!config.path.empty()) throw ConfigError("data: set either path or mixture, not both");
  std::vector<std::shared_ptr<const ImageDataset>> sources;
  for (const std::string& path : config.mixture) {
    ImageSourceConfig one = config;
    one.path = path;
    sources.push_back(open_path(one, decode, bad_records));
  }
  return mixed_images(std::move(sources), config.mixture_weights);
}

}  // namespace

void ImageSourceConfig::visit(Fields& f) {
  f.field({"path",
           "folder of class folders, list of pictures (*.csv, *.tsv), tar shards (train-{000..009}.tar, "
           "globs allowed), or IDX "
           "image file",
           kPathUnit},
          &path);
  f.field({"mixture", "in place of path: several of them as one data set", kPathUnit}, &mixture);
  f.field({"mixture_weights",
           "how often rows are drawn from each of them, as shares of their sum (sampler shuffle or "
           "two_views); empty: every "
           "sample alike",
           "", 0},
          &mixture_weights);
  f.field({"split", "of a list: keep the rows with this split; empty keeps all"}, &split);
  f.field({"class_filter", "globs of class names to keep; with a leading ! to leave out; empty keeps all"},
          &class_filter);
  f.field({"quarter_turns", "count every class turned by 90, 180 and 270 degrees as a class of its own"},
          &quarter_turns);
  f.field(
      {"skip_incomplete", "leave out keys of a shard that lack their picture or class, instead of failing"},
      &skip_incomplete);
  f.field({"index_cache",
           "where indexes of shards are kept: auto (beside the shard, else in the user's cache folder), "
           "none, or a folder",
           kPathUnit},
          &index_cache);
}

std::shared_ptr<const ImageDataset> open_images(const ImageSourceConfig& config, const DecodeOptions& decode,
                                                const BadRecordConfig& bad_records) {
  auto dataset = open_source(config, decode, bad_records);
  return config.quarter_turns ? quarter_turns(std::move(dataset)) : dataset;
}

}  // namespace lodestone
