#pragma once

#include <cstdint>
#include <vector>

#include "sampler/tuple.h"

namespace lodestone::sampler {

/// One of `world` equal readers of a data set; 0 <= rank < world.
struct Shard {
  int64_t rank = 0;
  int64_t world = 1;
  /// If not 0, rows are first divided into this many pieces, and a share consists of whole pieces.
  int64_t pieces = 0;
};

/// A half-open interval [begin, end) of rows.
struct Range {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

/// The contiguous share of `rows` that belongs to a shard. Shares cover all rows in rank order. Their sizes
/// differ by at most one, with the larger ones at the lower ranks; with world > rows the last shares are
/// empty. Pieces are cut and divided by the same rule.
/// Throws    ConfigError unless 0 <= rank < world and rows >= 0.
Range share_of(int64_t rows, Shard shard);

/// A position in the endless sequence of global batches. It is the whole state of a sampler that does not
/// learn.
struct Cursor {
  int64_t epoch = 0;
  int64_t position = 0;  ///< number of the batch within the epoch
  bool operator==(const Cursor&) const = default;
};

/// The cursor `steps` batches later.
Cursor advance(Cursor cursor, int64_t steps, int64_t batches_per_epoch);

/// The rows of one batch over all ranks. The vectors have B entries, one per row.
struct GlobalBatch {
  Cursor cursor;
  std::vector<int64_t> samples;  ///< indices into the data set
  /// Distinguishes repeats of a sample: rows with the same (sample, view) are identical.
  std::vector<int32_t> views;
  std::vector<int64_t> labels;  ///< rows of one label are positives of each other
  std::vector<int64_t> groups;  ///< rows of one group are never negatives of each other
  /// Positives and negatives by row, where they are given explicitly; else empty.
  std::vector<Tuple> tuples;
  /// Consecutive rows that belong together: the rows of a tuple, in its order, or of a row of texts. 1: none.
  int64_t unit = 1;
  /// Labels and groups are sample indices, as with two views per sample.
  bool samples_are_labels = false;
  int64_t rows() const { return static_cast<int64_t>(samples.size()); }
};

class SamplerLearner;

/// Chooses the samples of each global batch.
/// Ensures   batch() is a pure function of (seed, epoch, position): the same on every rank and for every
///           world size. So resuming is a seek, and a run on other machines uses the same global batches. A
///           sampler that learns (sampler_learner.h) has a state besides the cursor.
/// Threads   const methods are safe concurrently.
class IndexSampler {
 public:
  virtual ~IndexSampler() = default;
  /// Rows of a full global batch.
  virtual int64_t global_batch() const = 0;
  /// At least 1.
  virtual int64_t batches_per_epoch() const = 0;
  /// Throws ConfigError unless cursor.epoch >= 0 and 0 <= cursor.position < batches_per_epoch().
  virtual GlobalBatch batch(Cursor cursor) const = 0;
  /// Number of batches that are planned together. The set of rows used so far is known only after a multiple
  /// of it.
  virtual int64_t stride() const { return 1; }
  /// Whether an epoch is one pass over the data. Otherwise rows are drawn without end, whatever the epoch.
  virtual bool tours() const { return true; }
  /// The learning part, owned by the sampler; null if it does not learn.
  virtual SamplerLearner* learner() const { return nullptr; }
};

/// Throws the ConfigError of IndexSampler::batch.
void check_cursor(Cursor cursor, int64_t batches_per_epoch);

}  // namespace lodestone::sampler
