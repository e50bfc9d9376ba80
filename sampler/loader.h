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

namespace lodestone {

struct LoaderConfig {
  int64_t workers = 1;
  int64_t depth = 4;
  int64_t cache_mib = 256;
  BadRecordConfig bad_records;
  bool pinned =
      false;  ///< batches in page-locked memory, from which a GPU copies by itself; not a user's choice
  bool leave_out = false;  ///< the row of a bad record is left out rather than replaced; not a user's choice

  void visit(Fields& f);
};

/// One rank's rows of a global batch, in the order of the global batch: b = share.size() of them, fewer where bad records were left
/// out.
struct Batch {
  Cursor cursor;
  int64_t global_rows = 0;
  Range share;                  ///< which rows of the global batch these are (of this batch, in evaluation)
  Features features;            ///< b rows, on the CPU
  std::vector<int64_t> labels;  ///< b
  std::vector<int64_t> groups;  ///< b
  std::vector<int64_t> ids;     ///< b; Dataset::id, its bits taken as a signed number
  std::vector<int64_t>
      indices;                ///< b; samples of the data set (a stand-in's own index where a record was bad)
  std::vector<Tuple> tuples;  ///< of rows of the GLOBAL batch; empty unless the sampler gives tuples
};

/// Makes one rank's share of each global batch in threads of its own, ahead of need.
/// Bad       under on_bad_record: skip, what stands in for a bad record is the same whoever reads it (bad_records.h); labels, groups
///           and ids are the stand-in's. A unit of the batch (a tuple, a row of texts) with a bad record is replaced whole, by another
///           of the epoch. Every rank that has a row of a unit looks at all of it, so that all do the same.
/// Order     batches come in the sampler's order whatever the number of threads; their content is the same as well
/// Memory    at most `depth` batches ready or in the making
/// Errors    an exception of a worker comes out of the next() that would have returned its batch, and of all later ones
/// Threads   next() by one caller; the counters by anyone. The destructor stops after at most one sample per worker.
class Loader {
 public:
  /// `augment` false: nothing is drawn at random. Throws ConfigError if workers or depth are below 1.
  Loader(std::shared_ptr<const Examples> examples, std::shared_ptr<const IndexSampler> sampler, Shard shard,
         LoaderConfig config, uint64_t seed, Cursor start = {}, bool augment = true,
         std::optional<int64_t> batches = {});
  ~Loader();

  /// The batch at cursor(); endless unless `batches` was given, after which has_next() is false and next()
  /// throws.
  Batch next();
  bool has_next() const;

  /// What next() will return: save this to resume exactly here.
  Cursor cursor() const;
  /// Batches that lie ready: 0 again and again means that the loader is the bottleneck.
  int64_t ready() const;
  /// Time next() has spent waiting: the loader is the bottleneck if this grows as fast as the clock.
  double seconds_waited() const;
  /// Bad records met so far.
  int64_t bad_records() const;
  /// Those that no call before this one returned.
  std::vector<BadRecord> take_bad_records();

 private:
  struct Source;
  std::unique_ptr<Source> source_;
  Cursor start_;
  int64_t delivered_ = 0;
  std::unique_ptr<Prefetcher<Batch>> prefetcher_;
};

/// A loader for evaluation: this shard's share of the data set, once, in order, unaugmented, `rows` at a time
/// (the last of all batches may be smaller; an empty share has none). Shares are of whole batches, so that all
/// shards together read the batches that one alone would. A bad record has no stand-in here, which would be its double's nearest
/// neighbour and flatter every figure: under on_bad_record: skip its row is left out. Batch::indices tells which samples of the data
/// set the rows are.
std::unique_ptr<Loader> make_eval_loader(std::shared_ptr<const Examples> examples, Shard shard, int64_t rows,
                                         LoaderConfig config);

}  // namespace lodestone
