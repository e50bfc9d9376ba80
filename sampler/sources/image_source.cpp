#include "sampler/sources/image_source.h"

#include <algorithm>

#include "common/idle_keys.h"
#include "common/paths.h"
#include "sampler/sources/filtered_images.h"
#include "sampler/sources/image_format.h"
#include "sampler/sources/mixed_images.h"
#include "sampler/sources/quarter_turns.h"

namespace lodestone {

namespace {

// The formats that have this property, for a message: "list of pictures (*.csv, *.tsv)".
std::string formats_with(bool ImageFormat::*property) {
  std::string docs;
  for (const ImageFormat& row : image_format_table())
    if (row.*property) docs += (docs.empty() ? "" : " or ") + std::string(row.doc);
  return docs;
}

std::shared_ptr<const ImageDataset> open_path(const ImageSourceConfig& config, const DecodeOptions& decode,
                                              const BadRecordConfig& bad_records, ClassFilter* of_mixture) {
  if (config.path.empty()) throw ConfigError("data: expected `path` to name a folder or shards, got nothing");
  const ImageFormat& format = image_format(config.path);
  if (!config.split.empty() && !format.has_splits)
    throw ConfigError("data: split applies to a " + formats_with(&ImageFormat::has_splits) +
                      ", got it with '" + config.path + "'; remove it");
  if (!config.class_filter.empty() && !format.has_class_filter)
    throw ConfigError("data: class_filter does not apply to an " + std::string(format.doc) + "; remove it");
  return format.open(config, decode, bad_records, of_mixture);
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
  const auto any_with = [&config](bool ImageFormat::*property) {
    const auto holds = [property](const std::string& path) {
      return std::ranges::any_of(image_format_table(), [&](const ImageFormat& row) {
        return row.*property && row.named != nullptr && row.named(path);
      });
    };
    return config.empty() || holds(config.path) || std::ranges::any_of(config.mixture, holds);
  };
  const auto because = [](bool ImageFormat::*property) {
    return "since path names no " + formats_with(property) + "; leave it out, or let path name one";
  };
  if (!any_with(&ImageFormat::is_indexed))
    without_effect(f, {"skip_incomplete", "index_cache"}, because(&ImageFormat::is_indexed));
  if (!any_with(&ImageFormat::has_splits))
    without_effect(f, {"split", "other_columns"}, because(&ImageFormat::has_splits));
}

}  // namespace

void ImageSourceConfig::visit(Fields& f) {
  std::string paths;
  const auto formats = image_format_table();
  for (const ImageFormat& format : formats)
    paths += (paths.empty() ? "" : &format == &formats.back() ? ", or " : ", ") + std::string(format.doc);
  f.field({.name = "path", .doc = paths.c_str(), .unit = kPathUnit}, &path);
  f.field({.name = "mixture", .doc = "in place of path: several of them as one data set", .unit = kPathUnit},
          &mixture);
  if (mixture.empty())
    without_effect(f, {"mixture_weights"}, "without a mixture; set mixture, or leave it out", "mixture");
  say_what_no_file_reads(f, *this);
  f.field({.name = "mixture_weights",
           .doc = "how often rows are drawn from each of them, as shares of their sum (sampler shuffle or "
                  "two_views); empty: every "
                  "sample alike",
           .min = 0},
          &mixture_weights);
  f.field({.name = "split", .doc = "of a list: keep the rows with this split; empty keeps all"}, &split);
  f.field({.name = "other_columns",
           .doc = "of a list: what to do about columns that nothing reads: refuse the list, or ignore them",
           .choices = {"refuse", "ignore"}},
          &other_columns);
  f.field({.name = "class_filter",
           .doc = "globs of class names to keep; with a leading ! to leave out; empty keeps all"},
          &class_filter);
  f.field({.name = "quarter_turns",
           .doc = "count every class turned by 90, 180 and 270 degrees as a class of its own"},
          &quarter_turns);
  f.field({.name = "skip_incomplete",
           .doc = "leave out keys of a shard that lack their picture or class, instead of failing"},
          &skip_incomplete);
  f.field(
      {.name = "index_cache",
       .doc = "where indexes of shards are kept: auto (beside the shard, else in the user's cache folder), "
              "none, or a folder",
       .unit = kPathUnit},
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
