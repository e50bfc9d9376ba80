#pragma once

#include "sampler/texts/image_texts.h"

namespace lodestone {

/// Shards of pictures and captions; see open_image_texts.
ImageTextSet open_image_text_shards(const ImageSourceConfig& source, const BadRecordConfig& bad_records,
                                    const DecodeOptions& decode);

/// Lists each picture's captions by their labels: fills in `first` and `order`.
void sort_captions(ImageTextSet& set, int64_t pictures);

}  // namespace lodestone
