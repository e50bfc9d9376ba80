#pragma once

#include <string>

#include "trainer/data_view/data_facts.h"
#include "trainer/data_view/side.h"
#include "trainer/run/run_config.h"

namespace lodestone::data_view {

/// Samples of a side as HTML: by class, or row by row for pairs, triplets and rows of texts, or images with
/// their captions. At most 96 samples. Texts are shown with their tokens; a sample that cannot be read is
/// shown by its error.
std::string sample_sheet(const run::RunConfig& config, const Side& side);

/// Pairs of samples side by side, as HTML. `rows`: they are the first texts of rows, which are shown whole.
std::string pair_sheet(const Side& first, const Side& second, const std::vector<SamplePair>& pairs,
                       bool rows = false);

/// What the encoder gets, as HTML: the first rows of the first batch of a run, and several draws of some of
/// its images. Samples, draws and transforms are those of training, by the same code; mean and std are
/// undone. Rows of pairs, triplets and texts that belong together are shown as one.
/// Requires  `data` are the training data of `config`
std::string batch_sheet(const run::RunConfig& config, const run::TrainingData& data);

}  // namespace lodestone::data_view
