#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sampler/examples.h"
#include "sampler/sources/tuples.h"
#include "sampler/texts/text_dataset.h"
#include "trainer/coordinator/checkpoints/run_identity.h"
#include "trainer/run/run_config.h"

namespace lodestone {

/// The training data as configured.
struct TrainingData {
  std::shared_ptr<const Examples> examples;
  std::vector<Tuple> tuples;  ///< explicit ones, if any
  std::shared_ptr<const IndexSampler> sampler;
  int64_t texts_per_row = 0;  ///< of rows that meet in a batch as they are; 0: a sampler deals the samples
  std::shared_ptr<const TextDataset> texts;  ///< texts, or captions, if there are any
  std::vector<std::string> left_out;  ///< bad records that were left out when the data was opened, for people

  std::shared_ptr<const Dataset> dataset() const { return examples->dataset(); }
  bool has_pairs() const { return !tuples.empty() && !tuples.front().is_triplet(); }
};

/// Opens the training data and checks that sampler, loss and miner fit it. Throws ConfigError, DataError.
TrainingData open_training_data(const RunConfig& config, int world);

/// Whether rows 2i and 2i + 1 of a batch are the two sides of one sample, as losses of two towers take them.
bool deals_sides(const RunConfig& config, const TrainingData& data);

/// What the objective has to work with in this run.
Objective::Setting setting_of(const RunConfig& config, const TrainingData& data);

/// What the loss side is to know of this run.
LossSideSetup loss_side_setup(const RunConfig& config, const TrainingData& data, Encoder* slow);

/// What a checkpoint of this run knows its data by.
RunFacts run_facts(const RunConfig& config, const TrainingData& data);

}  // namespace lodestone
