#pragma once

#include <memory>

#include "sampler/sources/class_filter.h"
#include "sampler/sources/image_source.h"
#include "sampler/sources/indexed_images.h"

namespace lodestone {

// The data sets of image_source.h under a filter of their classes in place of config.class_filter: sources of a mixture share one, and
// whoever opens them all tells which of its globs fit nothing.

/// Bad       a line of equivalences.tsv is dealt with by `bad_records`
std::shared_ptr<IndexedImages> open_filtered_folder(const ImageSourceConfig& config,
                                                    const DecodeOptions& decode,
                                                    const BadRecordConfig& bad_records, ClassFilter& filter);
std::shared_ptr<IndexedImages> open_filtered_manifest(const ImageSourceConfig& config,
                                                      const DecodeOptions& decode,
                                                      const BadRecordConfig& bad_records,
                                                      ClassFilter& filter);
/// Bad       a group of look-alikes that a shard before contradicts is dealt with by `bad_records`, too
std::shared_ptr<IndexedImages> open_filtered_shards(const ImageSourceConfig& config,
                                                    const DecodeOptions& decode,
                                                    const BadRecordConfig& bad_records, ClassFilter& filter);

}  // namespace lodestone
