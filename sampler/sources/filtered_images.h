#pragma once

#include <memory>

#include "sampler/sources/class_filter.h"
#include "sampler/sources/image_source.h"
#include "sampler/sources/indexed_images.h"

namespace lodestone::sampler {

// The data sets of image_source.h with a class filter that the caller owns, in place of config.class_filter.
// The sources of a mixture share one filter; the caller that opens them reports the globs that matched no
// class.

/// Errors    a bad line of equivalences.tsv is handled by `bad_records`.
std::shared_ptr<IndexedImages> open_filtered_folder(const ImageSourceConfig& config,
                                                    const DecodeOptions& decode,
                                                    const BadRecordConfig& bad_records, ClassFilter& filter);
std::shared_ptr<IndexedImages> open_filtered_manifest(const ImageSourceConfig& config,
                                                      const DecodeOptions& decode,
                                                      const BadRecordConfig& bad_records,
                                                      ClassFilter& filter);
/// Errors    a look-alike group that contradicts an earlier shard is handled by `bad_records`, too.
std::shared_ptr<IndexedImages> open_filtered_shards(const ImageSourceConfig& config,
                                                    const DecodeOptions& decode,
                                                    const BadRecordConfig& bad_records, ClassFilter& filter);

/// Opens a data set that shares its filter with no other, and reports the globs of config.class_filter that
/// matched no class. `open` is one of the functions above.
template <typename Open>
std::shared_ptr<const ImageDataset> open_alone(const Open& open, const ImageSourceConfig& config,
                                               const DecodeOptions& decode,
                                               const BadRecordConfig& bad_records) {
  ClassFilter filter(config.class_filter);
  const auto images = open(config, decode, bad_records, filter);
  images->leave_out(filter.unfitting());
  return images;
}

}  // namespace lodestone::sampler
