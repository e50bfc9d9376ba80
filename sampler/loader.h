#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/features.h"
#include "common/fields.h"
#include "sampler/bad_records.h"
#include "sampler/examples.h"
#include "sampler/prefetcher.h"
#include "sampler/samplers/index_sampler.h"

namespace lodestone::sampler {

/// How batches are loaded; visit() describes the keys.
struct LoaderConfig {
  int64_t workers = 1;
  int64_t depth = 4;
  int64_t cache_mib = 256;
  BadRecordConfig bad_records;
  /// Put batches into page-locked memory, from which a GPU copies asynchronously. Set by the program, not by
  /// users.
  bool pinned = false;
  /// Leave the row of a bad record out instead of replacing it. Set by the program, not by users.
  bool leave_out = false;

  void visit(Fields& f);
};

/// One rank's share of a global batch: b rows, in the order of the global batch. b = share.size(), or fewer
/// where rows of bad records were left out.
struct Batch {
  Cursor cursor;
  int64_t global_rows = 0;
  /// The rows of the global batch that these are; in evaluation, of this batch.
  Range share;
  Features features;            ///< b rows, on the CPU
  std::vector<int64_t> labels;  ///< b
  std::vector<int64_t> groups;  ///< b
  std::vector<int64_t> ids;     ///< b; Dataset::id, its bits taken as a signed number
  /// b sample indices of the data set; where a record was bad, the index of its replacement.
  std::vector<int64_t> indices;
  /// Positives and negatives by row of the GLOBAL batch; empty unless the sampler gives explicit tuples.
  std::vector<Tuple> tuples;
};

/// Loads one rank's share of each global batch in background threads, ahead of use.
///
///     const ImageTransform transform({.width = 28, .height = 28}, /*seed=*/1);
///     const auto images = open_images({.path = "photos"}, transform.decode_options());
///     const auto examples = std::make_shared<ImageExamples>(images, transform);
///     const auto sampler = std::make_shared<PkSampler>(images, PkConfig{}, /*global_batch=*/64, /*seed=*/1);
///     Loader loader(examples, sampler, {.rank = 0, .world = 1}, LoaderConfig{}, /*seed=*/1);
///     const Batch batch = loader.next();  // features.pixels_nCHW [64, C, 28, 28], 64 labels
///
/// Order     the sampler's. Order and content of batches do not depend on the number of threads.
/// Ranks     not collective: ranks need no communication to load disjoint shares of the same global batch.
/// Memory    at most `depth` batches, finished or in progress.
/// Errors    a worker's exception is thrown by the next() that would have returned its batch, and by all
///           later ones. Under on_bad_record: skip, a bad record is replaced by a sample that is the same on
///           every rank (bad_records.h); labels, groups and ids are those of the replacement. A unit of the
///           batch (a tuple, a row of texts) with a bad record is replaced as a whole by another unit of the
///           epoch. For that, every rank that has a row of a unit reads all of its rows.
/// Threads   one caller for next(); any thread for the counters. The destructor waits at most until each
///           worker has finished its current sample.
class Loader {
 public:
  /// With `augment` false, nothing is drawn at random. `batches` limits the number of batches; without it
  /// there is no end. Throws ConfigError if workers or depth are below 1.
  Loader(std::shared_ptr<const Examples> examples, std::shared_ptr<const IndexSampler> sampler, Shard shard,
         LoaderConfig config, uint64_t seed, Cursor start = {}, bool augment = true,
         std::optional<int64_t> batches = {});
  ~Loader();

  /// The batch at cursor(). Throws ConfigError after the last batch; ask has_next() first.
  Batch next();
  bool has_next() const;

  /// The position of the batch that next() will return. To resume a run exactly, save it and pass it as
  /// `start`.
  Cursor cursor() const;
  /// Batches that are ready. If it stays at 0, the loader is the bottleneck.
  int64_t ready() const;
  /// Total time next() has waited. If it grows as fast as the clock, the loader is the bottleneck.
  double seconds_waited() const;
  /// Number of distinct bad records found so far.
  int64_t bad_records() const;
  /// Bad records found since the previous call.
  std::vector<BadRecord> take_bad_records();

 private:
  struct Maker;
  std::unique_ptr<Maker> maker_;
  Cursor start_;
  int64_t delivered_ = 0;
  std::unique_ptr<Prefetcher<Batch>> prefetcher_;
};

/// Makes a loader for evaluation: it reads this shard's share of the data set once, in order, without
/// augmentation, `rows` at a time.
/// A share is whole batches, so all ranks together form the same batches as one rank alone. Only the last of
/// all batches may be smaller; the loader of an empty share returns no batch. Under on_bad_record: skip, the
/// row of a bad record is left out: a replacement would duplicate another sample, become its nearest
/// neighbour and inflate every metric. Batch::indices has the sample of each row.
std::unique_ptr<Loader> make_eval_loader(std::shared_ptr<const Examples> examples, Shard shard, int64_t rows,
                                         LoaderConfig config);

}  // namespace lodestone::sampler
