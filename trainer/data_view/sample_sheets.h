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

/// Pairs of samples side by side, as HTML.
std::string pair_sheet(const Side& first, const Side& second, const std::vector<SamplePair>& pairs);

/// What the encoder gets, as HTML: the first rows of the first batch of a run, and several draws of some of
/// its images. Samples, draws and transforms are those of training, by the same code; mean and std are
/// undone.
/// Requires  training can start with `config`
std::string batch_sheet(const run::RunConfig& config);

}  // namespace lodestone::data_view
