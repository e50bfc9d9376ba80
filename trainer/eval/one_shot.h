#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "common/error.h"
#include "trainer/eval/comparison.h"

namespace lodestone::eval {

/// An N-way trial: which of the candidates is of the query's class?
struct OneShotTrial {
  int64_t query;                    ///< row of the embeddings
  std::vector<int64_t> candidates;  ///< rows, one per class
  int64_t right;                    ///< index in `candidates` of the one of the query's class
};

/// Returns 1 for each trial whose right candidate is nearer than every other, else 0. A tie for the best is
/// wrong.
/// Cost      2·D flops per candidate
/// Throws    Error if a trial names a row or a candidate that does not exist
std::vector<double> one_shot_answers(const Comparison& rows, std::span<const OneShotTrial> trials);

/// The share of right answers: the accuracy. NaN for none.
double share_right(std::span<const double> answers);

/// Options of draw_one_shot_trials.
struct DrawnTrials {
  int64_t ways = 20;     ///< candidates per trial, >= 2
  int64_t trials = 400;  ///< number of trials
  uint64_t seed = 0;
};

/// Draws trials: a random superclass with enough groups, `ways` of its groups, one row of each as candidate,
/// and another row of the right group as query. `superclasses_N` (the alphabet of a letter, say) keeps a
/// trial within one superclass, which is harder; empty means one superclass for all. Trial t is a function of
/// the groups and (seed, t) alone.
/// Throws    ConfigError if no superclass has `ways` groups, one of them with two rows or more
std::vector<OneShotTrial> draw_one_shot_trials(std::span<const int64_t> groups_N,
                                               std::span<const int64_t> superclasses_N,
                                               const DrawnTrials& options);

/// A trial over image files, read from a folder of runs.
struct OneShotFiles {
  std::filesystem::path query;
  std::vector<std::filesystem::path> candidates;  ///< all images of the run's training folder, by name
  int64_t right;
};

/// Reads Omniglot's all_runs layout (Lake et al. 2015): folders runNN, each with class_labels.txt, whose
/// lines name a test image and the training image of its class, relative to `folder`. Runs are ordered by
/// name, trials as in the file. A line that is not a valid trial is passed to `on_bad`, which throws by
/// default.
/// Throws    DataError naming file and line if a folder or image is missing, a line is not two such paths, a
///           query occurs twice, or a run has fewer than two candidates
std::vector<OneShotFiles> read_one_shot_runs(
    const std::filesystem::path& folder,
    const std::function<void(const DataError&)>& on_bad = [](const DataError& error) { throw error; });

}  // namespace lodestone::eval
