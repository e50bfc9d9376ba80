#pragma once

#include <memory>
#include <span>
#include <string>

#include "sampler/sources/class_filter.h"
#include "sampler/sources/image_source.h"

namespace lodestone::sampler {

/// A row of the table of image formats: how labelled images are stored at a path, and which settings apply.
struct ImageFormat {
  using Open = std::shared_ptr<const ImageDataset> (*)(const ImageSourceConfig& config,
                                                       const DecodeOptions& decode,
                                                       const BadRecordConfig& bad_records,
                                                       ClassFilter* of_mixture);

  const char* name;
  /// What config.path names, for people: "tar shards (…)".
  const char* doc;
  /// Whether a path that is no folder has the name of this format. Null: it is a folder.
  bool (*named)(const std::string& path);
  /// Opens config.path. `of_mixture` is the filter that the sources of a mixture share, in place of
  /// config.class_filter, or null.
  Open open;
  bool has_splits = false;       ///< ImageSourceConfig::split
  bool has_class_filter = true;  ///< ImageSourceConfig::class_filter
  bool is_indexed = false;       ///< ImageSourceConfig::skip_incomplete and index_cache
};

/// All formats. sampler/sources/table.cpp has one row for each; no name fits two of them.
std::span<const ImageFormat> image_format_table();

/// The format of a path: that of its name; a folder's for a folder and for a name that no format has.
const ImageFormat& image_format(const std::string& path);

/// Whether `path` names a list of images whose header has the column split.
/// Throws    DataError if the list cannot be read
bool has_split_column(const std::string& path);

/// Refuses `split` and `other_columns` of a source that was visited, as refuse_given() does, if its paths
/// name no list. Not for evaluation data, in whose place a command's --input may name one.
void refuse_list_keys(Fields& f, const ImageSourceConfig& config);

}  // namespace lodestone::sampler
