#include "trainer/run/data_kinds/text_data.h"

#include "trainer/run/run_config.h"
#include "trainer/run/under_key.h"

namespace lodestone::run {

namespace {

std::string key_of_split(const RunConfig& config, const sampler::ImageSourceConfig& split) {
  return key_of(&split == &config.evaluate.data ? "evaluate.data" : "data.train", split);
}

}  // namespace

std::vector<SettingWithoutEffect> without_effect_for_texts(const std::vector<SettingWithoutEffect>& more) {
  constexpr const char* kImages =
      ": it applies to labelled images, and `path` may name several files by globs and braces";
  std::vector<SettingWithoutEffect> all{
      {"data.tuples", ": data.text.format names pairs and triplets of texts"},
      {"evaluate.one_shot_runs", ": the runs are of images"},
      {"source.mixture", kImages},
      {"source.mixture_weights", kImages},
      {"source.split", kImages},
      {"source.other_columns", kImages},
      {"source.quarter_turns", kImages}};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

sampler::TokenRule token_rule(const DataConfig& config) {
  sampler::TokenizerConfig tokenizer = config.text.tokenizer;
  tokenizer.path = config.resolved(tokenizer.path);
  return {sampler::open_tokenizer(tokenizer), tokenizer.max_tokens};
}

void add_tokens(encoders::InputShape& shape, const DataConfig& config) {
  const sampler::TokenRule rule = token_rule(config);
  shape.vocabulary = rule.tokenizer->vocabulary();
  shape.max_tokens = rule.max_tokens;
}

sampler::TextSet open_text_split(const RunConfig& config, const sampler::ImageSourceConfig& split,
                                 const sampler::TextLayout& layout) {
  return under_key(key_of_split(config, split), [&] {
    return sampler::open_texts({config.data.resolved(split.path), split.class_filter, layout,
                                config.data.loader.bad_records, split.part});
  });
}

sampler::ImageTextSet open_image_text_split(const RunConfig& config, const sampler::ImageSourceConfig& split,
                                            const sampler::TextLayout& layout,
                                            const sampler::ImageTransform& transform) {
  sampler::ImageSourceConfig source = split;
  source.path = config.data.resolved(source.path);
  return under_key(key_of_split(config, split), [&] {
    return sampler::open_image_texts(source, layout, config.data.loader.bad_records,
                                     transform.decode_options());
  });
}

}  // namespace lodestone::run
