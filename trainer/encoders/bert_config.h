#pragma once

#include <filesystem>
#include <optional>

#include "common/fields.h"

namespace lodestone::encoders {

/// The sizes of a BERT. A field that is not set comes from the config.json beside the weights, if there is
/// one, and else from a small model of 6 layers (the shape of all-MiniLM-L6-v2).
struct BertConfig {
  std::optional<int64_t> layers, width, heads, intermediate, positions, vocabulary;
  std::optional<double> dropout, attention_dropout, norm_epsilon;

  void visit(Fields& f);
  /// Sets every field. `weights` is the file or folder of the weights, or empty; `least_vocabulary` and
  /// `least_positions` are the sizes that the data needs. Throws ConfigError if the sizes contradict each
  /// other, DataError if config.json is damaged.
  void resolve(const std::filesystem::path& weights, int64_t least_vocabulary, int64_t least_positions);
};

}  // namespace lodestone::encoders
