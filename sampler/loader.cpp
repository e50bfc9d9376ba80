#include "sampler/loader.h"

#include <utility>

#include "common/error.h"

namespace lodestone {

void LoaderConfig::visit(Fields& f) {
  f.field({"workers", "threads that read, decode and transform", "", 1, 256}, &workers);
  f.field({"depth", "batches made ahead, the one in use not counted", "", 1, 1024}, &depth);
  f.field({"cache_mib", "memory for decoded pictures", "MiB", 0, 1 << 20}, &cache_mib);
  bad_records.visit(f);
}

/// What the workers share; const but for the counters, which lock for themselves.
struct Loader::Source {
  std::shared_ptr<const Examples> examples;
  std::shared_ptr<const IndexSampler> sampler;
  Shard shard;
  Cursor start;
  bool augment;
  bool pinned;
  std::optional<int64_t> batches;
  BadRecords records;

  Batch make(int64_t n, const std::atomic<bool>& stop);
  void add_row(const GlobalBatch& global, size_t row, FeatureBuilder& builder, Batch& batch);
};

Batch Loader::Source::make(int64_t n, const std::atomic<bool>& stop) {
  Batch batch;
  if (batches && n >= *batches) return batch;  // prefetched beyond the end; never handed out
  GlobalBatch global = sampler->batch(advance(start, n, sampler->batches_per_epoch()));
  batch.cursor = global.cursor;
  batch.global_rows = global.rows();
  batch.share = share_of(batch.global_rows, shard);
  const auto builder = examples->builder(batch.share.size());
  for (int64_t row = batch.share.begin; row < batch.share.end && !stop; ++row)
    add_row(global, static_cast<size_t>(row), *builder, batch);
  batch.features = builder->finish();
  if (pinned) batch.features = batch.features.pinned();
  batch.tuples = std::move(global.tuples);
  batch.global_labels = std::move(global.labels);
  return batch;
}

void Loader::Source::add_row(const GlobalBatch& global, size_t row, FeatureBuilder& builder, Batch& batch) {
  const RowDraw draw{global.cursor.epoch, global.cursor.position, global.views[row], augment};
  const int64_t index = records.fetch(global.samples[row], global.cursor.epoch,
                                      [&](int64_t sample) { builder.add(sample, draw); });
  batch.labels.push_back(global.labels[row]);
  batch.groups.push_back(global.groups[row]);
  batch.ids.push_back(static_cast<int64_t>(examples->dataset()->id(index)));
  batch.indices.push_back(index);
}

Loader::Loader(std::shared_ptr<const Examples> examples, std::shared_ptr<const IndexSampler> sampler,
               Shard shard, LoaderConfig config, uint64_t seed, Cursor start, bool augment,
               std::optional<int64_t> batches)
    : start_(start) {
  if (config.workers < 1 || config.depth < 1)
    throw ConfigError("loader: expected workers and depth of at least 1, got " +
                      std::to_string(config.workers) + " and " + std::to_string(config.depth));
  check_cursor(start, sampler->batches_per_epoch());
  share_of(sampler->global_batch(), shard);
  const auto dataset = examples->dataset();
  source_.reset(new Source{std::move(examples), std::move(sampler), shard, start, augment, config.pinned,
                           batches, BadRecords(dataset, config.bad_records, seed)});
  if (batches && *batches == 0) return;
  prefetcher_ = std::make_unique<Prefetcher<Batch>>(
      [source = source_.get()](int64_t n, const std::atomic<bool>& stop) { return source->make(n, stop); },
      config.workers, config.depth);
}

Loader::~Loader() = default;

Batch Loader::next() {
  if (!has_next()) throw ConfigError("loader: next() was called after the last batch; ask has_next() first");
  Batch batch = prefetcher_->next();
  ++delivered_;
  return batch;
}

bool Loader::has_next() const {
  return !source_->batches || delivered_ < *source_->batches;
}

Cursor Loader::cursor() const {
  return advance(start_, delivered_, source_->sampler->batches_per_epoch());
}

int64_t Loader::ready() const {
  return prefetcher_ ? prefetcher_->ready() : 0;
}

double Loader::seconds_waited() const {
  return prefetcher_ ? prefetcher_->seconds_waited() : 0.0;
}

int64_t Loader::bad_records() const {
  return source_->records.count();
}

std::vector<std::string> Loader::bad_record_messages() const {
  return source_->records.messages();
}

}  // namespace lodestone
