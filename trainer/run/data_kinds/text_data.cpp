#include "trainer/run/data_kinds/text_data.h"

#include "trainer/run/run_config.h"
#include "trainer/run/under_key.h"

namespace lodestone {

namespace {

std::string key_of_split(const RunConfig& config, const ImageSourceConfig& split) {
  return key_of(&split == &config.evaluate.data ? "evaluate.data" : "data.train", split);
}

}  // namespace

TokenRule token_rule(const DataConfig& config) {
  TokenizerConfig tokenizer = config.text.tokenizer;
  tokenizer.path = config.resolved(tokenizer.path);
  return {open_tokenizer(tokenizer), tokenizer.max_tokens};
}

void add_tokens(InputShape& shape, const DataConfig& config) {
  const TokenRule rule = token_rule(config);
  shape.vocabulary = rule.tokenizer->vocabulary();
  shape.max_tokens = rule.max_tokens;
}

TextSet open_text_split(const RunConfig& config, const ImageSourceConfig& split, const TextLayout& layout) {
  return under_key(key_of_split(config, split), [&] {
    return open_texts(
        {config.data.resolved(split.path), split.class_filter, layout, config.data.loader.bad_records});
  });
}

ImageTextSet open_image_text_split(const RunConfig& config, const ImageSourceConfig& split,
                                   const TextLayout& layout, const ImageTransform& transform) {
  ImageSourceConfig source = split;
  source.path = config.data.resolved(source.path);
  return under_key(key_of_split(config, split), [&] {
    return open_image_texts(source, layout, config.data.loader.bad_records, transform.decode_options());
  });
}

}  // namespace lodestone
