#pragma once

#include "sampler/texts/image_texts.h"
#include "sampler/texts/text_source.h"
#include "sampler/texts/token_rows.h"
#include "trainer/run/data_kind.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

/// Settings of labelled images and of explicit image tuples, which have no effect for data with texts, then
/// `more`.
std::vector<SettingWithoutEffect> without_effect_for_texts(const std::vector<SettingWithoutEffect>& more);

/// The configured tokenizer, opened.
sampler::TokenRule token_rule(const DataConfig& config);

/// Adds the vocabulary and the number of tokens to what an encoder is built for.
void add_tokens(encoders::InputShape& shape, const DataConfig& config);

/// The texts, or images with captions, of one split.
sampler::TextSet open_text_split(const RunConfig& config, const sampler::ImageSourceConfig& split,
                                 const sampler::TextLayout& layout);
sampler::ImageTextSet open_image_text_split(const RunConfig& config, const sampler::ImageSourceConfig& split,
                                            const sampler::TextLayout& layout,
                                            const sampler::ImageTransform& transform);

}  // namespace lodestone::run
