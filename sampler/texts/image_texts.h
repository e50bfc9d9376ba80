#pragma once

#include <memory>
#include <vector>

#include "sampler/bad_records.h"
#include "sampler/sources/image_source.h"
#include "sampler/texts/text_dataset.h"
#include "sampler/texts/text_layout.h"

namespace lodestone {

/// Pictures and what is said of them. Each picture is a sample and a class of its own, and so label(i) is i; the captions are
/// another data set, whose labels are the pictures.
struct ImageTextSet {
  std::shared_ptr<const ImageDataset> pictures;
  std::shared_ptr<const TextDataset> captions;
  std::vector<int64_t>
      first;  ///< captions of picture i are order[first[i]] … order[first[i + 1] - 1]; at least one
  std::vector<int64_t> order;  ///< samples of `captions`

  int64_t rows = 0, bad = 0;  ///< captions kept and left out, as in TextSet
  std::vector<std::string> messages;
};

/// Opens what `source.path` names:
/// shards      *.tar in the WebDataset layout (shard_keys.h), key.jpg|jpeg|png|webp… with key.txt (each line that is not blank is a
///             caption) or key.json ("caption", "captions" or "text": a string or a list of them); globs and braces allowed. Other
///             members are passed over and counted in pictures->left_out(). A key without its picture or caption is an error, or left
///             out under skip_incomplete. Captions that can't be read are dealt with by `bad_records`.
/// manifest    .tsv, .csv or .jsonl with a path, relative to the manifest's folder, and a caption; a picture with several captions
///             stands in several rows (text_layout.h: columns, header). Bad rows are dealt with by `bad_records`;
///             under skip, a picture that is missing is a bad record of those who read it.
/// Cost        one pass; 16 to 24 bytes for a caption and what its source takes for a picture
/// Throws      ConfigError; DataError naming shard, key and offset, or manifest and line
ImageTextSet open_image_texts(const ImageSourceConfig& source, const TextLayout& layout,
                              const BadRecordConfig& bad_records, const DecodeOptions& decode);

}  // namespace lodestone
