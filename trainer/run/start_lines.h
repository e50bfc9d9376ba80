#pragma once

#include <string>
#include <vector>

#include "trainer/run/data_kinds/training_data.h"
#include "trainer/run/run_config.h"

namespace lodestone {

/// A sentence that a run begins with.
struct StartLine {
  std::string text;
  bool warns = false;
};

/// What trains: loss with its numbers, miner, encoder with its width, device, precision.
std::string first_line(RunConfig& config, const std::string& device);

/// What a miner that the user named costs the loss, if anything; see thrown_away.
std::vector<StartLine> objective_lines(const RunConfig& config);

/// What there is to train on: samples, classes, how many anchors of the first batch have a positive, how pictures or texts come to
/// the encoder. Settings that waste data are warnings.
/// Cost     reads a few pictures, or at most 10,000 texts; the batch is the one that training begins with, whose plan is kept
std::vector<StartLine> data_lines(const RunConfig& config, const TrainingData& data, Cursor cursor);

/// Whether classes, or texts without classes, that judge the model are trained on: figures on them say little about new ones.
std::vector<StartLine> overlap_lines(const RunConfig& config, const Dataset& trained, const Dataset& judged);

/// What was passed over when `data` was opened, by reason; `where` is its key in the configuration.
std::vector<StartLine> left_out_lines(const std::string& where, const Dataset& data);

}  // namespace lodestone
