#include "trainer/run/data_kinds/text_data.h"

#include "sampler/samplers/length_buckets.h"
#include "sampler/samplers/row_sampler.h"
#include "sampler/sources/cached_dataset.h"
#include "sampler/texts/image_text_examples.h"
#include "sampler/texts/text_examples.h"
#include "trainer/run/run_config.h"
#include "trainer/run/under_key.h"

namespace lodestone {

namespace {

uint64_t seed_of(const RunConfig& config) {
  return static_cast<uint64_t>(config.seed);
}

/// Number of consecutive rows of a batch that belong together.
int64_t unit_of(const RunConfig& config, const TextSet& set) {
  if (set.rows_meet || !set.tuples.empty()) return set.texts_per_row;
  return config.sampler->unit();
}

std::string key_of_split(const RunConfig& config, const ImageSourceConfig& split) {
  return key_of(&split == &config.evaluate.data ? "evaluate.data" : "data.train", split);
}

void check_scores(const TextSet& set) {
  if (!set.scores.empty())
    throw ConfigError(
        "data.text: expected 0 or 1 as the label of a pair to train on, got grades; set "
        "data.text.same_from to the grade from which two texts are the same");
}

}  // namespace

TokenRule token_rule(const DataConfig& config) {
  TokenizerConfig tokenizer = config.text.tokenizer;
  tokenizer.path = config.resolved(tokenizer.path);
  return {open_tokenizer(tokenizer), tokenizer.max_tokens};
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

TrainingData open_text_training_data(const RunConfig& config) {
  const TextSet set = open_text_split(config, config.data.train, config.data.text.layout);
  check_scores(set);
  TrainingData data;
  data.examples = std::make_shared<TextExamples>(set.texts, token_rule(config.data));
  data.texts = set.texts;
  data.tuples = set.tuples;
  if (set.rows_meet) data.texts_per_row = set.texts_per_row;
  if (set.rows_meet)
    data.sampler =
        std::make_shared<RowSampler>(set.texts, set.texts_per_row, config.global_batch, seed_of(config));
  else
    data.sampler = make_sampler(config.sampler, set.texts, set.tuples, config.global_batch, seed_of(config));
  if (config.data.text.bucket_window > 1)
    data.sampler = std::make_shared<LengthBuckets>(
        data.sampler, set.texts, [texts = set.texts](int64_t i) { return texts->bytes(i); },
        unit_of(config, set), config.data.text.bucket_window, seed_of(config));
  return data;
}

TrainingData open_image_text_training_data(const RunConfig& config) {
  if (config.data.text.bucket_window > 1)
    throw ConfigError(
        "data.text.bucket_window: captions are drawn anew each epoch; leave it out for image_texts");
  const ImageTransform transform(config.data.image, seed_of(config));
  ImageTextSet set = open_image_text_split(config, config.data.train, config.data.text.layout, transform);
  set.pictures = cached(set.pictures, config.data.loader.cache_mib << 20);
  TrainingData data;
  data.texts = set.captions;
  data.sampler = make_sampler(config.sampler, set.pictures, {}, config.global_batch, seed_of(config));
  data.examples = std::make_shared<ImageTextExamples>(std::move(set), transform, token_rule(config.data),
                                                      seed_of(config));
  return data;
}

}  // namespace lodestone
