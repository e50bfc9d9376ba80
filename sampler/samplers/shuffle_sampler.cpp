#include "sampler/samplers/shuffle_sampler.h"

#include <string>

#include "common/error.h"
#include "common/rng.h"
#include "sampler/samplers/mixture_sampler.h"
#include "sampler/samplers/sampler_factory.h"

namespace lodestone::sampler {

ShuffleSampler::ShuffleSampler(std::shared_ptr<const Dataset> dataset, int64_t views, int64_t global_batch,
                               uint64_t seed)
    : dataset_(std::move(dataset)), views_(views), global_batch_(global_batch), seed_(seed) {
  if (views_ < 1 || views_ > 2 || global_batch_ < views_ || global_batch_ % views_ != 0)
    throw ConfigError(
        "shuffle sampler: expected 1 or 2 views and global_batch a positive multiple of them, got " +
        std::to_string(views_) + " views and global_batch " + std::to_string(global_batch_));
  batches_ = dataset_->size() / (global_batch_ / views_);
  if (batches_ < 1)
    throw DataError("shuffle sampler: expected at least " + std::to_string(global_batch_ / views_) +
                    " samples (a batch), got " + std::to_string(dataset_->size()) +
                    "; lower global_batch or add samples");
}

GlobalBatch ShuffleSampler::batch(Cursor cursor) const {
  check_cursor(cursor, batches_);
  const auto order = orders_.get(cursor.epoch, [this](int64_t epoch) {
    return Random(seed_, Purpose::kShuffle, static_cast<uint64_t>(epoch)).permutation(dataset_->size());
  });
  const int64_t samples = global_batch_ / views_;
  GlobalBatch out;
  out.cursor = cursor;
  out.samples_are_labels = views_ == 2;
  for (int64_t s = 0; s < samples; ++s) {
    const int64_t sample = (*order)[static_cast<size_t>(cursor.position * samples + s)];
    const int64_t label = views_ == 2 ? sample : dataset_->label(sample);
    for (int64_t view = 0; view < views_; ++view) {
      out.samples.push_back(sample);
      out.views.push_back(static_cast<int32_t>(view));
      out.labels.push_back(label);
      out.groups.push_back(views_ == 2 ? sample : dataset_->group(label));
    }
  }
  return out;
}

namespace {

/// sampler.name: shuffle and two_views. If sources of a mixture have weights, these decide how often a sample
/// is drawn.
class ShuffleFactory : public SamplerFactory {
 public:
  explicit ShuffleFactory(int64_t views) : views_(views) {}

  std::shared_ptr<const IndexSampler> make(std::shared_ptr<const Dataset> dataset, int64_t global_batch,
                                           uint64_t seed) const override {
    if (has_weights(*dataset))
      return std::make_shared<MixtureSampler>(std::move(dataset), views_, global_batch, seed);
    return std::make_shared<ShuffleSampler>(std::move(dataset), views_, global_batch, seed);
  }
  int64_t unit() const override { return views_; }
  bool samples_are_labels() const override { return views_ > 1; }
  bool applies_weights() const override { return true; }

 private:
  int64_t views_;
};

}  // namespace

std::unique_ptr<SamplerFactory> make_shuffle() {
  return std::make_unique<ShuffleFactory>(1);
}

std::unique_ptr<SamplerFactory> make_two_views() {
  return std::make_unique<ShuffleFactory>(2);
}

}  // namespace lodestone::sampler
