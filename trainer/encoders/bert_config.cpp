#include "trainer/encoders/bert_config.h"

#include <algorithm>
#include <type_traits>

#include "common/files.h"
#include "common/json_reader.h"
#include "common/json_text.h"
#include "common/paths.h"

namespace lodestone::encoders {

namespace {

nlohmann::json read_model_config(const std::filesystem::path& weights) {
  const auto path = (is_folder(weights) ? weights : weights.parent_path()) / "config.json";
  if (weights.empty() || !is_file(path)) return nlohmann::json::object();
  nlohmann::json config;
  try {
    config = parse_json(read_file(path, 1 << 20), path.string());
  } catch (const CheckpointError&) {
    std::throw_with_nested(
        DataError("bert: expected a configuration in " + path.string() + ", which can't be read"));
  }
  if (!config.is_object())
    throw DataError("bert: expected a mapping in " + path.string() + ", got something else");
  // Other models share the file's name and most of its keys, but not the computation.
  const auto expect = [&](const char* key, const char* value) {
    if (config.contains(key) && config[key] != nlohmann::json(value))
      throw ConfigError("bert: expected " + std::string(key) + " '" + value + "' in " + path.string() +
                        ", got " + json_text(config[key]) +
                        "; only models of BERT's own architecture can be loaded");
  };
  expect("model_type", "bert");
  expect("hidden_act", "gelu");
  expect("position_embedding_type", "absolute");
  return config;
}

template <typename T>
void settle(std::optional<T>& value, const nlohmann::json& config, const char* key, T otherwise) {
  if (value) return;
  const auto found = config.find(key);
  if (found == config.end()) {
    value = otherwise;
  } else if (std::is_integral_v<T> ? found->is_number_integer() : found->is_number()) {
    value = found->get<T>();
  } else {
    throw DataError(std::string("bert: expected a ") + (std::is_integral_v<T> ? "whole number" : "number") +
                    " for '" + key + "' in config.json, got " + json_text(*found));
  }
}

void expect_least(const char* field, int64_t value, int64_t least, const char* what) {
  if (value < least)
    throw ConfigError("bert: expected encoder." + std::string(field) + " of at least " +
                      std::to_string(least) + ", " + what + ", got " + std::to_string(value) +
                      "; use the tokenizer and text length that the weights were made for");
}

}  // namespace

void BertConfig::visit(Fields& f) {
  f.field(
      {.name = "layers",
       .doc =
           "number of transformer layers; null, here and below: as in config.json beside init_from, or else "
           "those of a small model (6)",
       .min = 1,
       .max = 256},
      &layers);
  f.field({.name = "width", .doc = "width of the hidden states (384)", .min = 1, .max = 65536}, &width);
  f.field({.name = "heads", .doc = "attention heads (12)", .min = 1, .max = 1024}, &heads);
  f.field({.name = "intermediate",
           .doc = "width between the two linear layers (4 widths)",
           .min = 1,
           .max = 262144},
          &intermediate);
  f.field({.name = "positions",
           .doc = "longest text that has position embeddings (512)",
           .unit = "tokens",
           .min = 1,
           .max = 65535},
          &positions);
  f.field({.name = "vocabulary",
           .doc = "number of tokens that have embeddings (the tokenizer's)",
           .unit = "tokens",
           .min = 1},
          &vocabulary);
  f.field(
      {.name = "dropout", .doc = "dropout rate of hidden values in training (0.1)", .min = 0, .max = 0.99},
      &dropout);
  f.field({.name = "attention_dropout",
           .doc = "dropout rate of attention weights in training (0.1)",
           .min = 0,
           .max = 0.99},
          &attention_dropout);
  f.field({.name = "norm_epsilon",
           .doc = "number added to the variance in layer norms (1e-12)",
           .min = 0,
           .max = 1},
          &norm_epsilon);
}

void BertConfig::resolve(const std::filesystem::path& weights, int64_t least_vocabulary,
                         int64_t least_positions) {
  const bool open = !layers || !width || !heads || !intermediate || !positions || !vocabulary || !dropout ||
                    !attention_dropout || !norm_epsilon;
  const nlohmann::json config = open ? read_model_config(weights) : nlohmann::json::object();
  settle<int64_t>(layers, config, "num_hidden_layers", 6);
  settle<int64_t>(width, config, "hidden_size", 384);
  settle<int64_t>(heads, config, "num_attention_heads", 12);
  settle<int64_t>(intermediate, config, "intermediate_size", 4 * std::clamp<int64_t>(*width, 0, 1 << 17));
  settle<int64_t>(positions, config, "max_position_embeddings", std::max<int64_t>(512, least_positions));
  settle<int64_t>(vocabulary, config, "vocab_size", least_vocabulary);
  settle<double>(dropout, config, "hidden_dropout_prob", 0.1);
  settle<double>(attention_dropout, config, "attention_probs_dropout_prob", 0.1);
  settle<double>(norm_epsilon, config, "layer_norm_eps", 1e-12);
  if (*layers < 1 || *heads < 1 || *heads >= 1 << 12 || *width < *heads || *width % *heads != 0 ||
      *intermediate < 1 || *layers > 256 || *width > 65536 || *intermediate > 262144 || *positions > 65535)
    throw ConfigError("bert: expected a width that is a multiple of heads, and sizes above 0, got width " +
                      std::to_string(*width) + ", heads " + std::to_string(*heads) + ", layers " +
                      std::to_string(*layers) + ", intermediate " + std::to_string(*intermediate) +
                      "; correct encoder.*");
  expect_least("vocabulary", *vocabulary, least_vocabulary, "the tokenizer's size");
  expect_least("positions", *positions, least_positions, "the longest text");
}

}  // namespace lodestone::encoders
