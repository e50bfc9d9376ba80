#pragma once

#include <cstdint>
#include <string>

#include "common/state.h"
#include "sampler/samplers/index_sampler.h"

namespace lodestone::sampler {

/// How far a run has come in its data. It counts rows, since a batch of another size or another data set has
/// other positions.
struct Place {
  int64_t epoch = 0;
  int64_t rows = 0;               ///< rows of this epoch that were used
  int64_t global_batch = 0;       ///< rows of the batches in which they were used
  int64_t batches_per_epoch = 0;  ///< 0: not known
  int64_t stride = 1;             ///< as IndexSampler::stride
  std::string order;              ///< name of the sampler, which decides the order of the rows
  /// Whether data set and seed are the same as now; otherwise the order within an epoch differs.
  bool same_samples = true;
  /// Rows since the start of the run, including those left out.
  int64_t drawn() const;
  /// Visits the numbers, as sampler.epoch and so on of state.json, and the number of the batch within the
  /// epoch.
  void visit_state(StateVisitor& v);
};

/// The place of `sampler` before the batch at `cursor`.
Place place_at(Cursor cursor, const IndexSampler& sampler, std::string order);

/// Where a run resumes.
struct FoundPlace {
  Cursor cursor;
  /// A sentence for the log if the batches differ from before: which place this is and what is left out; else
  /// empty.
  std::string message;
};

/// Finds the batch of `sampler` that begins at `saved`. If there is none, or the order of the rows differs
/// (another data set, seed or sampler), it returns the first batch of the next epoch, so that no row occurs
/// twice in an epoch. For a sampler without epochs (IndexSampler::tours), it returns the first batch after
/// that place.
/// Requires  saved.epoch and saved.rows >= 0, saved.global_batch >= 1.
FoundPlace find_place(const Place& saved, const IndexSampler& sampler, const std::string& order);

}  // namespace lodestone::sampler
