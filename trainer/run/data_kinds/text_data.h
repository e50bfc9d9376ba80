#pragma once

#include "sampler/texts/image_texts.h"
#include "sampler/texts/text_source.h"
#include "sampler/texts/token_rows.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/run_config.h"

namespace lodestone {

/// The configured tokenizer, opened.
TokenRule token_rule(const DataConfig& config);

/// Adds the vocabulary and the number of tokens to what an encoder is built for.
void add_tokens(InputShape& shape, const DataConfig& config);

/// The texts, or images with captions, of one split.
TextSet open_text_split(const RunConfig& config, const ImageSourceConfig& split, const TextLayout& layout);
ImageTextSet open_image_text_split(const RunConfig& config, const ImageSourceConfig& split,
                                   const TextLayout& layout, const ImageTransform& transform);

}  // namespace lodestone
