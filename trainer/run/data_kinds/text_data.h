#pragma once

#include "sampler/texts/image_texts.h"
#include "sampler/texts/text_source.h"
#include "sampler/texts/token_rows.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/run_config.h"

namespace lodestone {

/// The configured tokenizer, opened.
TokenRule token_rule(const DataConfig& config);

/// The texts, or images with captions, of one split.
TextSet open_text_split(const RunConfig& config, const ImageSourceConfig& split, const TextLayout& layout);
ImageTextSet open_image_text_split(const RunConfig& config, const ImageSourceConfig& split,
                                   const TextLayout& layout, const ImageTransform& transform);

/// Training data of the kinds texts and image_texts.
/// Throws    ConfigError, DataError
TrainingData open_text_training_data(const RunConfig& config);
TrainingData open_image_text_training_data(const RunConfig& config);

}  // namespace lodestone
