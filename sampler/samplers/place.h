#pragma once

#include <cstdint>
#include <string>

#include "sampler/samplers/index_sampler.h"

namespace lodestone {

/// How far into its data a run has come. Rows count, since batches of another size, or of another data set,
/// lie elsewhere.
struct Place {
  int64_t epoch = 0;
  int64_t rows = 0;               ///< seen of this epoch
  int64_t global_batch = 0;       ///< rows of the batches that they were seen in
  int64_t batches_per_epoch = 0;  ///< 0: not known
  int64_t stride = 1;             ///< as IndexSampler::stride
  std::string order;              ///< what the order of an epoch's rows is called: the sampler's name
  bool same_samples = true;       ///< as now, with the same seed: else the order of a tour is another
  int64_t drawn() const;          ///< rows since the run's first one, left out ones included
};

/// Where `sampler` stands before the batch at `cursor`.
Place place_at(Cursor cursor, const IndexSampler& sampler, std::string order);

/// Where a run goes on.
struct FoundPlace {
  Cursor cursor;
  std::string
      told;  ///< for people, where the batches are others than before: which place this is, and what is left out; else empty
};

/// The batch of `sampler` that begins where `saved` stands. If none does, or the rows come in another order (other
/// samples or another seed, too), the next epoch's first, so that no row comes twice in an epoch; of a sampler without tours the first batch
/// behind that place.
/// Requires   saved.epoch and saved.rows >= 0, saved.global_batch >= 1
FoundPlace find_place(const Place& saved, const IndexSampler& sampler, const std::string& order);

}  // namespace lodestone
