#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sampler/texts/image_texts.h"
#include "sampler/texts/text_source.h"
#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/run_config.h"

namespace lodestone::data_view {

/// The training or the evaluation data of a configuration, opened to be looked at.
struct Side {
  std::string name;  ///< "training" or "evaluation"
  std::string key;   ///< what names the data: "data.train.path"
  /// Images as the configuration decodes them, and the same in colour at full size; null for texts. With
  /// quarter turns, the images before these.
  std::shared_ptr<const sampler::ImageDataset> images, in_colour;
  std::shared_ptr<const sampler::TextDataset> texts;  ///< or captions; null for images alone
  /// Of images with captions: those of image i are order[first[i]] … order[first[i + 1] - 1].
  std::vector<int64_t> first, order;
  bool has_classes = false;
  std::vector<sampler::Tuple> tuples;  ///< explicit pairs or triplets
  int64_t texts_per_row = 1;
  std::vector<double> scores;         ///< grades of pairs of texts
  std::vector<std::string> left_out;  ///< sentences: what was left out, and why

  /// The samples that are counted: images, if there are any.
  const sampler::Dataset& samples() const {
    return images ? static_cast<const sampler::Dataset&>(*images) : *texts;
  }
  bool has_captions() const { return images && texts; }
  /// Whether samples are the texts of rows: pairs, triplets, queries.
  bool has_rows() const { return !images && texts_per_row > 1; }
  /// Where the row of a text is: "pairs.tsv:3".
  std::string row_name(int64_t text) const;
  /// The class of a sample, or "" if samples have none.
  std::string class_of(int64_t i) const {
    return has_classes ? samples().class_name(samples().label(i)) : "";
  }
};

/// Both sides; `evaluation` is empty if the configuration names no such data.
struct Sides {
  Side training;
  std::optional<Side> evaluation;
  std::optional<run::TrainingData> data;  ///< as training opens them; empty if it would stop
  std::string cannot_train;               ///< the error with which it would stop, else ""
};

/// Cost      opens labelled images and tuples once, texts and captions once more as training does
/// Throws    ConfigError, DataError
Sides open_sides(const run::RunConfig& config);

}  // namespace lodestone::data_view
