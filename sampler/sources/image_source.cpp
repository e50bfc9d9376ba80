#include "sampler/sources/image_source.h"

#include <algorithm>
#include <filesystem>

#include "common/idle_keys.h"
#include "common/paths.h"
#include "sampler/sources/filtered_images.h"
#include "sampler/sources/idx.h"
#include "sampler/sources/mixed_images.h"
#include "sampler/sources/quarter_turns.h"

namespace lodestone {

namespace {

bool is_list(const std::string& path) {
  return path.ends_with(".csv") || path.ends_with(".tsv");
}

template <typename Open>
std::shared_ptr<const ImageDataset> open_alone(const Open& open, const ImageSourceConfig& config,
                                               const DecodeOptions& decode,
                                               const BadRecordConfig& bad_records) {
  ClassFilter filter(config.class_filter);
  const auto images = open(config, decode, bad_records, filter);
  images->leave_out(filter.unfitting());
  return images;
}

std::shared_ptr<const ImageDataset> open_path(const ImageSourceConfig& config, const DecodeOptions& decode,
                                              const BadRecordConfig& bad_records, ClassFilter* of_mixture) {
  const std::filesystem::path path(config.path);
  if (path.empty()) throw ConfigError("data: expected `path` to name a folder or shards, got nothing");
  if (!config.split.empty() && !is_list(config.path))
    throw ConfigError("data: split is for lists (*.csv, *.tsv), got it with '" + config.path +
                      "'; remove it");
  if (path.filename().string().find("images-idx3") != std::string::npos && is_file(path)) {
    if (!config.class_filter.empty())
      throw ConfigError("data: class_filter is not available for IDX files; remove it");
    return open_idx(config.path, decode);
  }
  const bool is_shards = config.path.find(".tar") != std::string::npos && !is_folder(path);
  const auto open = is_list(config.path) ? open_filtered_manifest
                    : is_shards          ? open_filtered_shards
                                         : open_filtered_folder;
  return of_mixture ? open(config, decode, bad_records, *of_mixture)
                    : open_alone(open, config, decode, bad_records);
}

std::shared_ptr<const ImageDataset> open_source(const ImageSourceConfig& config, const DecodeOptions& decode,
                                                const BadRecordConfig& bad_records) {
  if (config.mixture.empty() && !config.mixture_weights.empty())
    throw ConfigError("data: expected mixture beside mixture_weights, got none");
  if (config.mixture.empty()) return open_path(config, decode, bad_records, nullptr);
  if (!config.path.empty()) throw ConfigError("data: set either path or mixture, not both");
  std::vector<std::shared_ptr<const ImageDataset>> sources;
  ClassFilter filter(config.class_filter);
  for (const std::string& path : config.mixture) {
    ImageSourceConfig one = config;
    one.path = path;
    sources.push_back(open_path(one, decode, bad_records, &filter));
  }
  return mixed_images(std::move(sources), config.mixture_weights, filter.unfitting());
}

// Without a path, a command's --input may still name shards, for which these keys have an effect.
void say_what_no_file_reads(Fields& f, const ImageSourceConfig& config) {
  if (config.empty())
    without_effect(f, {"split", "class_filter"}, "without a path; set it, or leave this out", "path");
  const auto any = [&config](const auto& holds) {
    return config.empty() || holds(config.path) || std::ranges::any_of(config.mixture, holds);
  };
  if (!any([](const std::string& one) { return one.find(".tar") != std::string::npos; }))
    without_effect(f, {"skip_incomplete", "index_cache"},
                   "since the data are no tar shards; leave it out, or let path name some");
  if (!any([](const std::string& one) { return is_list(one); }))
    without_effect(f, {"split", "other_columns"},
                   "since the data are no list (*.csv, *.tsv); leave it out, or let path name one");
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
  if (mixture.empty())
    without_effect(f, {"mixture_weights"}, "without a mixture; set mixture, or leave it out", "mixture");
  say_what_no_file_reads(f, *this);
  f.field({"mixture_weights",
           "how often rows are drawn from each of them, as shares of their sum (sampler shuffle or "
           "two_views); empty: every "
           "sample alike",
           "", 0},
          &mixture_weights);
  f.field({"split", "of a list: keep the rows with this split; empty keeps all"}, &split);
  f.field({"other_columns",
           "of a list: what to do about columns that nothing reads: refuse the list, or ignore them",
           "",
           {},
           {},
           {"refuse", "ignore"}},
          &other_columns);
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

std::shared_ptr<const ImageDataset> open_image_folder(const ImageSourceConfig& config,
                                                      const DecodeOptions& decode) {
  return open_alone(open_filtered_folder, config, decode, {});
}

std::shared_ptr<const ImageDataset> open_image_manifest(const ImageSourceConfig& config,
                                                        const DecodeOptions& decode,
                                                        const BadRecordConfig& bad_records) {
  return open_alone(open_filtered_manifest, config, decode, bad_records);
}

std::shared_ptr<const ImageDataset> open_tar_shards(const ImageSourceConfig& config,
                                                    const DecodeOptions& decode,
                                                    const BadRecordConfig& bad_records) {
  return open_alone(open_filtered_shards, config, decode, bad_records);
}

std::shared_ptr<const ImageDataset> open_images(const ImageSourceConfig& config, const DecodeOptions& decode,
                                                const BadRecordConfig& bad_records) {
  auto dataset = open_source(config, decode, bad_records);
  return config.quarter_turns ? quarter_turns(std::move(dataset)) : dataset;
}

}  // namespace lodestone
