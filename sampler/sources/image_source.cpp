#include "sampler/sources/image_source.h"

#include <algorithm>

#include "common/keys_without_effect.h"
#include "common/paths.h"
#include "common/text_format.h"
#include "sampler/sources/filtered_images.h"
#include "sampler/sources/image_format.h"
#include "sampler/sources/mixed_images.h"
#include "sampler/sources/quarter_turns.h"

namespace lodestone::sampler {

namespace {

// The formats that have this property, for a message: "list of images (*.csv, *.tsv)".
std::string formats_with(bool ImageFormat::*property) {
  std::vector<const char*> docs;
  for (const ImageFormat& row : image_format_table())
    if (row.*property) docs.push_back(row.doc);
  return joined(docs, " or ");
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
  config.check("data");
  if (config.mixture.empty()) return open_path(config, decode, bad_records, nullptr);
  std::vector<std::shared_ptr<const ImageDataset>> sources;
  ClassFilter filter(config.class_filter);
  for (const std::string& path : config.mixture) {
    ImageSourceConfig one = config;
    one.path = path;
    sources.push_back(open_path(one, decode, bad_records, &filter));
  }
  return mixed_images(std::move(sources), config.mixture_weights, filter.unfitting());
}

// Without a path, a command's --input may still name such files.
bool may_name_any(const ImageSourceConfig& config, bool ImageFormat::*property) {
  const auto holds = [property](const std::string& path) {
    return std::ranges::any_of(image_format_table(), [&](const ImageFormat& row) {
      return row.*property && row.named != nullptr && row.named(path);
    });
  };
  return config.empty() || holds(config.path) || std::ranges::any_of(config.mixture, holds);
}

std::string since_no_path_names(bool ImageFormat::*property) {
  return "since path names no " + formats_with(property) + "; leave it out, or let path name one";
}

}  // namespace

void refuse_list_keys(Fields& f, const ImageSourceConfig& config) {
  if (may_name_any(config, &ImageFormat::has_splits)) return;
  const std::string sentence = "has no effect " + since_no_path_names(&ImageFormat::has_splits);
  if (!config.split.empty()) refuse_given(f, "split", sentence, "path");
  if (config.other_columns != OtherColumns::kRefuse) refuse_given(f, "other_columns", sentence, "path");
}

void ImageSourceConfig::visit(Fields& f) {
  std::vector<const char*> docs;
  for (const ImageFormat& format : image_format_table()) docs.push_back(format.doc);
  const std::string paths = joined(docs, ", or ");
  f.field({.name = "path", .doc = paths.c_str(), .unit = kPathUnit}, &path);
  f.field(
      {.name = "mixture", .doc = "several paths that form one data set, in place of path", .unit = kPathUnit},
      &mixture);
  if (mixture.empty())
    without_effect(f, {"mixture_weights"}, "without a mixture; set mixture, or leave it out", "mixture");
  if (empty()) without_effect(f, {"class_filter"}, "without a path; set it, or leave this out", "path");
  if (!may_name_any(*this, &ImageFormat::is_indexed))
    without_effect(f, {"skip_incomplete", "index_cache"}, since_no_path_names(&ImageFormat::is_indexed));
  f.field(
      {.name = "mixture_weights",
       .doc = "weights with which rows are drawn from each part of the mixture, as shares of their sum, by "
              "a sampler that applies weights; empty: every sample equally often",
       .min = 0},
      &mixture_weights);
  f.field({.name = "split", .doc = "split of a list: only its rows are kept; empty: all rows"}, &split);
  f.choice({.name = "other_columns", .doc = "unused columns of a list: refuse the list, or ignore them"},
           &other_columns, kOtherColumns);
  f.field({.name = "class_filter",
           .doc = "globs of class names to keep, or with a leading ! to leave out; empty: all classes"},
          &class_filter);
  f.nested(
      {.name = "part",
       .doc = "a part of the data, by a hash of names: the others are for evaluation. A class has a number "
              "from 0 to 1 that depends on its name alone"},
      part);
  f.field({.name = "quarter_turns",
           .doc = "whether every class rotated by 90, 180 and 270 degrees is a class of its own"},
          &quarter_turns);
  f.field(
      {.name = "skip_incomplete",
       .doc = "whether keys of a shard without their image or class are left out; false: they are an error"},
      &skip_incomplete);
  std::string cache = index_cache.setting();
  f.field(
      {.name = "index_cache",
       .doc = "where indexes of shards are stored: auto (beside the shard, else in the user's cache folder), "
              "none, or a folder",
       .unit = kPathUnit},
      &cache);
  index_cache = IndexCache::named(cache);
}

void ImageSourceConfig::check(const std::string& section) const {
  if (mixture.empty() && !mixture_weights.empty())
    throw ConfigError(section + ".mixture_weights: expected a mixture beside them, got none; leave them out");
  if (mixture.empty()) return;
  if (!path.empty())
    throw ConfigError(section + ": expected either path or mixture, got both; leave one of them out");
  if (!mixture_weights.empty() && mixture_weights.size() != mixture.size())
    throw ConfigError(section + ".mixture_weights: expected one for each of the " +
                      std::to_string(mixture.size()) + " parts of mixture, got " +
                      std::to_string(mixture_weights.size()) + "; correct the list, or leave it out");
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
  auto dataset = part_of_images(open_source(config, decode, bad_records), config.part);
  return config.quarter_turns ? quarter_turns(std::move(dataset)) : dataset;
}

}  // namespace lodestone::sampler
