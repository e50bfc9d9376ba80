#include "sampler/samplers/no_duplicates_sampler.h"

#include <string>
#include <unordered_set>

#include "common/error.h"
#include "sampler/samplers/dealer.h"
#include "sampler/samplers/sampler_factory.h"

namespace lodestone::sampler {

NoDuplicatesSampler::NoDuplicatesSampler(std::shared_ptr<const Dataset> dataset, int64_t global_batch,
                                         uint64_t seed)
    : dataset_(std::move(dataset)), global_batch_(global_batch), seed_(seed) {
  if (global_batch_ < 1)
    throw ConfigError("no_duplicates sampler: expected global_batch of at least 1, got " +
                      std::to_string(global_batch_));
  std::unordered_set<uint64_t> ids;
  for (int64_t i = 0; i < dataset_->size() && static_cast<int64_t>(ids.size()) < global_batch_; ++i)
    ids.insert(dataset_->id(i));
  if (static_cast<int64_t>(ids.size()) < global_batch_)
    throw DataError("no_duplicates sampler: expected at least " + std::to_string(global_batch_) +
                    " samples that differ (global_batch), got " + std::to_string(ids.size()) +
                    "; lower global_batch or add samples");
  batches_ = dataset_->size() / global_batch_;
}

std::vector<int64_t> NoDuplicatesSampler::plan(int64_t epoch) const {
  Dealer line(dataset_->size(), Random(seed_, Purpose::kShuffle, static_cast<uint64_t>(epoch)));
  std::vector<int64_t> order;
  order.reserve(static_cast<size_t>(batches_ * global_batch_));
  for (int64_t b = 0; b < batches_; ++b) {
    std::unordered_set<uint64_t> ids;
    const auto dealt =
        line.deal(global_batch_, [&](int64_t sample) { return ids.insert(dataset_->id(sample)).second; });
    order.insert(order.end(), dealt.begin(), dealt.end());
  }
  return order;
}

GlobalBatch NoDuplicatesSampler::batch(Cursor cursor) const {
  check_cursor(cursor, batches_);
  const auto order = plans_.get(cursor.epoch, [this](int64_t epoch) { return plan(epoch); });
  GlobalBatch out;
  out.cursor = cursor;
  for (int64_t row = cursor.position * global_batch_; row < (cursor.position + 1) * global_batch_; ++row) {
    const int64_t sample = (*order)[static_cast<size_t>(row)];
    out.samples.push_back(sample);
    out.views.push_back(0);
    out.labels.push_back(dataset_->label(sample));
    out.groups.push_back(dataset_->group(out.labels.back()));
  }
  return out;
}

namespace {

/// sampler.name: no_duplicates
class NoDuplicatesFactory : public SamplerFactory {
 public:
  std::shared_ptr<const IndexSampler> make(std::shared_ptr<const Dataset> dataset, int64_t global_batch,
                                           uint64_t seed) const override {
    return std::make_shared<NoDuplicatesSampler>(std::move(dataset), global_batch, seed);
  }
};

}  // namespace

std::unique_ptr<SamplerFactory> make_no_duplicates() {
  return std::make_unique<NoDuplicatesFactory>();
}

}  // namespace lodestone::sampler
