#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/log.h"
#include "distributed/launch.h"
#include "sampler/examples.h"
#include "sampler/texts/text_dataset.h"
#include "sampler/tuples.h"
#include "trainer/commands/run_config.h"

namespace lodestone {

/// What a command that works on a run needs on each rank: its place in the world, its log, the number of threads set.
/// Ranks     construction is collective.
struct Session {
  explicit Session(const RunConfig& config);

  Launch launch;
  Group world;
  Log log;
  bool leads() const { return world.rank() == 0; }
};

/// Runs a command's body on every rank and lets the ranks end together, with one exit code: where a rank fails, it says why
/// at once, the others learn its code and stop too, rather than each taking the other's end for a lost peer.
/// Ranks     collective. In world 1 errors pass through.
/// Throws    CommError if a rank was lost without a word.
int run_on_ranks(const RunConfig& config, const std::function<int(Session&)>& body);

/// Is this process the one of its host's ranks that tells what all of them find alike before they know each other: a slip in the command
/// or the configuration? By what the launcher put into the environment; true for a process on its own.
bool speaks_for_its_host();

/// The exit code that stands for an error; see command.h.
int exit_code(const std::exception& error);

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

/// What the objective has to work with in this run.
Objective::Setting setting_of(const RunConfig& config, const TrainingData& data);

/// What the loss side is to know of this run.
LossSideSetup loss_side_setup(const RunConfig& config, const TrainingData& data, Encoder* slow);

/// Whether rows 2i and 2i + 1 of a batch are the two sides of one sample, as losses of two towers take them.
bool deals_sides(const RunConfig& config, const TrainingData& data);

/// Opens the training data and checks that sampler, loss and miner fit it. Throws ConfigError, DataError.
TrainingData open_training_data(const RunConfig& config, int world);

/// What one example of the configured data looks like.
InputShape input_shape(const RunConfig& config);

/// Builds the configured encoder for the configured data. Throws ConfigError if that needs code that config.code doesn't allow.
void build_encoder(const RunConfig& config, Encoder& encoder);

/// Warns, on rank 0, of what the user should know about the encoder.
void tell_remarks(const Encoder& encoder, const Session& session, bool training);

}  // namespace lodestone
