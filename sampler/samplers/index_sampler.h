#pragma once

#include <cstdint>
#include <vector>

#include "sampler/sources/tuple.h"

namespace lodestone {

/// Which of the equal readers of one data set this is; 0 <= rank < world.
struct Shard {
  int64_t rank = 0;
  int64_t world = 1;
  int64_t pieces = 0;  ///< not 0: rows are cut in so many pieces first, and a shard is of whole ones
};

/// The half-open interval [begin, end) of rows.
struct Range {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

/// The contiguous share of `rows` that belongs to a shard. Shares follow each other in rank order and cover
/// all rows; their sizes differ by at most one, the larger ones at the lower ranks; with world > rows the
/// last ones are empty. Pieces are cut likewise, and shared out likewise. Throws ConfigError unless 0 <= rank < world
/// and rows >= 0.
Range share_of(int64_t rows, Shard shard);

/// A place in the endless sequence of global batches; the whole state of a sampler that learns nothing.
struct Cursor {
  int64_t epoch = 0;
  int64_t position = 0;  ///< batch within the epoch
  bool operator==(const Cursor&) const = default;
};

/// The cursor `steps` batches later.
Cursor advance(Cursor cursor, int64_t steps, int64_t batches_per_epoch);

/// One batch over all ranks. The vectors have B entries, one per row.
struct GlobalBatch {
  Cursor cursor;
  std::vector<int64_t> samples;  ///< indices into the data set
  std::vector<int32_t>
      views;  ///< tells repeats of one sample apart: rows with the same (sample, view) look the same
  std::vector<int64_t> labels;  ///< rows of one label are positives of each other
  std::vector<int64_t> groups;  ///< rows of one group are never negatives of each other
  std::vector<Tuple> tuples;    ///< of rows, when positives and negatives are given explicitly; else empty
  int64_t unit =
      1;  ///< so many rows after each other stand for nothing alone: a tuple, in its order, or a row of texts
  bool samples_are_labels =
      false;  ///< labels and groups are the samples' own numbers, as with two views of each
  int64_t rows() const { return static_cast<int64_t>(samples.size()); }
};

class SamplerLearner;

/// Chooses what meets in a batch: a pure function of (seed, epoch, position), the same on every rank and for any world size. So
/// resuming is a seek, and a run on other machines sees the same global batches. A sampler that learns (sampler_learner.h) has a
/// state beside the cursor.
/// Threads   const methods are safe concurrently
class IndexSampler {
 public:
  virtual ~IndexSampler() = default;
  /// Rows of a full global batch.
  virtual int64_t global_batch() const = 0;
  /// At least 1.
  virtual int64_t batches_per_epoch() const = 0;
  /// Requires cursor.epoch >= 0 and 0 <= cursor.position < batches_per_epoch(); ConfigError otherwise.
  virtual GlobalBatch batch(Cursor cursor) const = 0;
  /// Batches of an epoch that are planned together: what rows the first batches have seen can be told at multiples of this alone.
  virtual int64_t stride() const { return 1; }
  /// Whether an epoch is a tour of the data, begun anew by the next; else rows are drawn on and on, whatever epoch it is.
  virtual bool tours() const { return true; }
  /// Its learning part, which belongs to it; null for those that learn nothing.
  virtual SamplerLearner* learner() const { return nullptr; }
};

/// Throws the ConfigError of IndexSampler::batch.
void check_cursor(Cursor cursor, int64_t batches_per_epoch);

}  // namespace lodestone
