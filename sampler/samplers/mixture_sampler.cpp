#include "sampler/samplers/mixture_sampler.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>

#include "common/error.h"
#include "common/rng.h"

namespace lodestone::sampler {

MixtureSampler::MixtureSampler(std::shared_ptr<const Dataset> dataset, int64_t views, int64_t global_batch,
                               uint64_t seed)
    : dataset_(std::move(dataset)),
      sources_(dataset_->sources()),
      views_(views),
      global_batch_(global_batch),
      seed_(seed),
      decks_(sources_.size()) {
  if (views_ < 1 || views_ > 2 || global_batch_ < views_ || global_batch_ % views_ != 0)
    throw ConfigError(
        "mixture sampler: expected 1 or 2 views and global_batch a positive multiple of them, got " +
        std::to_string(views_) + " views and global_batch " + std::to_string(global_batch_));
  for (size_t s = 0; s < sources_.size(); ++s) {
    const int64_t end = s + 1 < sources_.size() ? sources_[s + 1].begin : dataset_->size();
    sizes_.push_back(end - sources_[s].begin);
    if (sources_[s].weight > 0 && sizes_[s] == 0)
      throw DataError(
          "mixture sampler: expected samples in every source that has a weight, got none in source " +
          std::to_string(s) + "; remove it");
  }
  batches_ = std::max<int64_t>(1, dataset_->size() / (global_batch_ / views_));
}

std::vector<int64_t> MixtureSampler::drawn(int64_t samples) const {
  std::vector<int64_t> counts;
  double weights = 0.0;
  for (const Source& source : sources_) weights += source.weight;
  for (const Source& source : sources_) {
    // Each step is monotone in `samples`, so no source's count ever decreases.
    const double share = weights > 0 ? std::min(1.0, source.weight / weights) : 0.0;
    counts.push_back(static_cast<int64_t>(std::floor(static_cast<double>(samples) * share)));
    samples -= counts.back();
    weights -= source.weight;
  }
  // What remains from rounding the sum of weights goes to the last source with a weight.
  for (size_t s = sources_.size(); s-- > 0 && samples > 0;)
    if (sources_[s].weight > 0) {
      counts[s] += samples;
      break;
    }
  return counts;
}

int64_t MixtureSampler::sample(size_t source, int64_t draw) const {
  const int64_t size = sizes_[source];
  const auto deck = decks_[source].get(draw / size, [&](int64_t number) {
    return Random(seed_, Purpose::kShuffle, static_cast<uint64_t>(number), source).permutation(size);
  });
  return sources_[source].begin + (*deck)[static_cast<size_t>(draw % size)];
}

GlobalBatch MixtureSampler::batch(Cursor cursor) const {
  check_cursor(cursor, batches_);
  const int64_t count = global_batch_ / views_;
  const int64_t first = (cursor.epoch * batches_ + cursor.position) * count;
  const std::vector<int64_t> begin = drawn(first);
  const std::vector<int64_t> end = drawn(first + count);
  std::vector<int64_t> samples;
  for (size_t s = 0; s < sources_.size(); ++s)
    for (int64_t draw = begin[s]; draw < end[s]; ++draw) samples.push_back(sample(s, draw));
  Random(seed_, Purpose::kSampler, static_cast<uint64_t>(cursor.epoch),
         static_cast<uint64_t>(cursor.position))
      .shuffle(samples);
  GlobalBatch out;
  out.cursor = cursor;
  out.samples_are_labels = views_ == 2;
  std::unordered_map<int64_t, int32_t> views;
  for (const int64_t i : samples)
    for (int64_t view = 0; view < views_; ++view) {
      const int64_t label = views_ == 2 ? i : dataset_->label(i);
      out.samples.push_back(i);
      out.views.push_back(views[i]++);
      out.labels.push_back(label);
      out.groups.push_back(views_ == 2 ? i : dataset_->group(label));
    }
  return out;
}

bool has_weights(const Dataset& dataset) {
  const std::vector<Source> sources = dataset.sources();
  return std::any_of(sources.begin(), sources.end(), [](const Source& source) { return source.weight > 0; });
}

}  // namespace lodestone::sampler
