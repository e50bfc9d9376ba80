#pragma once

#include "sampler/texts/image_texts.h"

namespace lodestone::sampler {

/// Opens shards of images and captions; see open_image_texts.
ImageTextSet open_image_text_shards(const ImageSourceConfig& source, const BadRecordConfig& bad_records,
                                    const DecodeOptions& decode);

/// Groups the captions by their labels, the images: fills in `first` and `order`.
void sort_captions(ImageTextSet& set, int64_t images);

}  // namespace lodestone::sampler
