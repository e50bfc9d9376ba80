#pragma once

#include <memory>
#include <vector>

#include "sampler/bad_records.h"
#include "sampler/sources/image_source.h"
#include "sampler/texts/text_dataset.h"
#include "sampler/texts/text_layout.h"

namespace lodestone::sampler {

/// Images and their captions. Each image is a sample and its own class, so label(i) is i. The captions are a
/// second data set, whose labels are the images.
struct ImageTextSet {
  std::shared_ptr<const ImageDataset> images;
  std::shared_ptr<const TextDataset> captions;
  /// Captions of image i are order[first[i]] … order[first[i + 1] - 1]; at least one.
  std::vector<int64_t> first;
  std::vector<int64_t> order;  ///< samples of `captions`

  int64_t rows = 0, bad = 0;  ///< captions kept and left out, as in TextSet
  std::vector<std::string> messages;
};

/// Opens what `source.path` names.
/// shards    *.tar in the WebDataset layout (shard_keys.h): key.jpg|jpeg|png|webp… with key.txt (each line
///           that is not blank is a caption) or key.json ("caption", "captions" or "text": a string or a list
///           of strings); globs and braces allowed. Other members are left out and counted in
///           images->left_out(). A key without its image or caption is an error, or left out under
///           skip_incomplete. Captions that cannot be read are handled by `bad_records`.
/// manifest  .tsv, .csv or .jsonl with a path, relative to the manifest's folder, and a caption; an image
///           with several captions has several rows (text_layout.h: columns, header). Bad rows are handled by
///           `bad_records`; under skip, a missing image becomes a bad record when it is read.
/// Cost      one pass; memory 16 to 24 bytes per caption and the source's memory per image.
/// Throws    ConfigError; DataError naming shard, key and offset, or manifest and line.
ImageTextSet open_image_texts(const ImageSourceConfig& source, const TextLayout& layout,
                              const BadRecordConfig& bad_records, const DecodeOptions& decode);

}  // namespace lodestone::sampler
