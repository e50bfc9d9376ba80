#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sampler/image_examples.h"
#include "sampler/sources/tuples.h"
#include "sampler/texts/text_dataset.h"
#include "trainer/coordinator/checkpoints/run_identity.h"
#include "trainer/run/run_config.h"

namespace lodestone::run {

/// The training data as configured.
struct TrainingData {
  std::shared_ptr<const sampler::Examples> examples;
  /// Explicit tuples, if any.
  std::vector<sampler::Tuple> tuples;
  std::shared_ptr<const sampler::IndexSampler> sampler;
  /// Texts per row, if the rows of a batch are given by the data; 0: a sampler selects the samples.
  int64_t texts_per_row = 0;
  /// The examples, if they are images and nothing else.
  std::shared_ptr<const sampler::ImageExamples> images;
  /// Texts or captions, if any.
  std::shared_ptr<const sampler::TextDataset> texts;
  /// Messages about bad records that were skipped when the data was opened.
  std::vector<std::string> left_out;

  std::shared_ptr<const sampler::Dataset> dataset() const { return examples->dataset(); }
  bool has_pairs() const { return !tuples.empty() && !tuples.front().is_triplet(); }
};

/// Opens the training data and checks that sampler, loss and miner are compatible with it.
/// Throws    ConfigError, DataError
TrainingData open_training_data(const RunConfig& config, int world);

/// What an encoder of images is built for.
encoders::InputShape image_shape(const DataConfig& config);

/// Whether rows 2i and 2i + 1 of a batch are the two views or the two texts of one sample, as two-tower
/// losses expect.
bool deals_sides(const RunConfig& config, const TrainingData& data);

/// The conditions that Objective::check needs: explicit tuples, memory, momentum keys and mining scope.
negatives::Objective::Setting setting_of(const RunConfig& config, const TrainingData& data);

/// Builds the loss head's setup from the run configuration. `momentum_encoder` is the momentum encoder, or
/// null.
engine::LossHeadSetup loss_head_setup(const RunConfig& config, const TrainingData& data,
                                      encoders::Encoder* momentum_encoder);

/// The facts that identify the data of this run in a checkpoint.
coordinator::RunFacts run_facts(const RunConfig& config, const TrainingData& data);

}  // namespace lodestone::run
