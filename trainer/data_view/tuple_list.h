#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trainer/data_view/draw_tuples.h"

namespace lodestone::data_view {

/// Labelled samples, and the list of explicit tuples to make of them.
struct TupleListOptions {
  std::string path = {};  ///< what data.train.path accepts: class folders, a list, shards, texts with classes
  std::string output = {};  ///< *.tsv for images, in their folder or above it; *.jsonl for texts
  std::string split = {};   ///< of a list
  std::vector<std::string> columns = {};  ///< of a text file: text, label
  /// Unset: 20 per sample, at most 100,000.
  std::optional<int64_t> count = {};
  bool triplets = false;
  uint64_t seed = 0;
};

/// What was written.
struct TupleList {
  bool texts = false;
  int64_t samples = 0, classes = 0;
  int64_t same = 0, different = 0;  ///< pairs; for triplets, `same` counts them
  DrawnTuples drawn;                ///< without the tuples
  std::vector<std::string> notes;   ///< what was left out, and why
  std::string configuration;        ///< YAML that trains on the list
};

/// Draws tuples and writes them as data.tuples (images) or data.text.format: pairs or triplets reads them.
/// Memory    the list
/// Throws    ConfigError, also if the path holds several splits, so that pairs would cross them; DataError
TupleList write_tuple_list(const TupleListOptions& options);

}  // namespace lodestone::data_view
