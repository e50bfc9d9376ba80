#pragma once

#include <string>
#include <vector>

#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

/// A sentence that is logged when a run starts.
struct StartLine {
  std::string text;
  bool warns = false;
};

/// The objective of the run: loss with its parameters, miner, encoder with its dimension, device, precision.
std::string first_line(const RunConfig& config, const std::string& device);

/// The size of the training data in its own units: "48616 samples of 2847 classes", "5749 pairs".
std::string data_size(const RunConfig& config, const TrainingData& data);

/// The warning about an explicitly chosen miner, if any; see discarded_negatives.
std::vector<StartLine> objective_lines(const RunConfig& config);

/// The training data: samples, classes, how many anchors of the first batch have a positive, how images or
/// texts are prepared for the encoder. Settings that waste data become warnings.
/// Cost      reads a few images, or at most 10,000 texts; plans the first batch of the training, and the plan
///           is kept
std::vector<StartLine> data_lines(const RunConfig& config, const TrainingData& data, sampler::Cursor cursor);

/// Warns of classes, or of texts without classes, that are both trained on and evaluated on, since their
/// metrics say little about new ones.
std::vector<StartLine> overlap_lines(const RunConfig& config, const sampler::Dataset& trained,
                                     const sampler::Dataset& evaluated);

/// Warns of classes whose names look alike: they differ only by blanks around them or by Unicode normal form.
/// Cost      O(classes) of time and memory
std::vector<StartLine> spelling_lines(const std::string& where, const sampler::Dataset& data);

/// What was skipped when `data` was opened, by reason; `where` is the configuration key of the data.
std::vector<StartLine> left_out_lines(const std::string& where, const sampler::Dataset& data);

}  // namespace lodestone::run
