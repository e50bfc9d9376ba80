#include "sampler/samplers/hard_class_sampler.h"

#include <algorithm>
#include <array>
#include <queue>
#include <string>

#include <ATen/ops/empty.h>

#include "common/error.h"
#include "sampler/samplers/dealer.h"
#include "sampler/samplers/sampler_factory.h"

namespace lodestone::sampler {

namespace {

at::Tensor to_tensor(const ClassDirections& directions, int64_t classes) {
  at::Tensor out = at::empty({classes, directions.width}, at::kFloat);
  std::copy(directions.rows.begin(), directions.rows.end(), out.mutable_data_ptr<float>());
  return out;
}

}  // namespace

/// Chooses the classes of one batch, cluster by cluster.
class HardClassSampler::Choice {
 public:
  Choice(const Dataset& dataset, int64_t wanted) : dataset_(dataset), wanted_(wanted) {}

  int64_t left() const { return wanted_ - static_cast<int64_t>(chosen_.size()); }

  /// Takes up to `count` classes by decreasing score, ties to the lower number.
  void take(const std::vector<float>& score_c, int64_t count) {
    for (const bool look_alikes : {false, true}) {
      std::vector<std::pair<float, int64_t>> heap;
      for (int64_t c = 0; c < dataset_.classes(); ++c) heap.emplace_back(score_c[static_cast<size_t>(c)], -c);
      std::make_heap(heap.begin(), heap.end());
      for (; count > 0 && !heap.empty(); heap.pop_back()) {
        std::pop_heap(heap.begin(), heap.end());
        const int64_t c = -heap.back().second;
        if (in_batch(c) || (!look_alikes && group_in_batch(c))) continue;
        chosen_.push_back(c);
        --count;
      }
      if (count == 0) return;
    }
  }

  const std::vector<int64_t>& chosen() const { return chosen_; }

 private:
  bool in_batch(int64_t c) const { return std::find(chosen_.begin(), chosen_.end(), c) != chosen_.end(); }
  bool group_in_batch(int64_t c) const {
    return std::any_of(chosen_.begin(), chosen_.end(),
                       [&](int64_t other) { return dataset_.group(other) == dataset_.group(c); });
  }

  const Dataset& dataset_;
  int64_t wanted_;
  std::vector<int64_t> chosen_;
};

void HardClassConfig::visit(Fields& f) {
  f.field({.name = "cluster",
           .doc = "number of classes that are drawn together: an anchor class and its nearest classes",
           .min = 1},
          &cluster);
  f.field({.name = "refresh",
           .doc = "number of steps between updates of the class means; at least loader.depth + 1",
           .unit = "steps",
           .min = 1},
          &refresh);
  f.field({.name = "decay",
           .doc = "decay of a class's mean: the fraction that remains at each new batch",
           .min = 0,
           .max = 0.9999},
          &decay);
}

HardClassSampler::HardClassSampler(std::shared_ptr<const Dataset> dataset, PkConfig pk,
                                   HardClassConfig config, int64_t global_batch, uint64_t seed)
    : dataset_(std::move(dataset)),
      pk_(pk),
      config_(config),
      global_batch_(global_batch),
      seed_(seed),
      members_(*dataset_),
      means_(dataset_->classes(), config.decay) {
  check_classes("hard_class sampler", *dataset_, members_, pk_, global_batch_);
  if (config_.cluster < 1 || config_.refresh < 1)
    throw ConfigError("hard_class sampler: expected cluster and refresh of at least 1, got " +
                      std::to_string(config_.cluster) + " and " + std::to_string(config_.refresh));
  classes_per_batch_ = global_batch_ / pk_.samples_per_class;
  batches_ = std::max<int64_t>(1, dataset_->size() / global_batch_);
}

std::vector<int64_t> HardClassSampler::anchors(int64_t epoch) const {
  Dealer line(dataset_->classes(), Random(seed_, Purpose::kSampler, static_cast<uint64_t>(epoch), 0));
  const int64_t clusters = (classes_per_batch_ + config_.cluster - 1) / config_.cluster;
  std::vector<int64_t> all;
  for (int64_t b = 0; b < batches_; ++b) {
    std::vector<int64_t> mine;
    const auto dealt = line.deal(clusters, [&mine](int64_t c) {
      if (std::find(mine.begin(), mine.end(), c) != mine.end()) return false;
      mine.push_back(c);
      return true;
    });
    all.insert(all.end(), dealt.begin(), dealt.end());
  }
  return all;
}

HardClassSampler::Directions HardClassSampler::directions_for(int64_t step) const {
  std::scoped_lock lock(mutex_);
  const int64_t period = step / config_.refresh;
  const int64_t present = observed_ / config_.refresh;
  if (period < 2 || period == present) return period < 2 ? nullptr : now_;
  if (period == present + 1) return next_;
  throw Error("hard_class sampler: expected a request for a batch of step " +
              std::to_string(present * config_.refresh) + " to " +
              std::to_string((present + 2) * config_.refresh - 1) + ", since " + std::to_string(observed_) +
              " were observed, got step " + std::to_string(step) +
              "; raise sampler.hard_class.refresh above loader.depth");
}

GlobalBatch HardClassSampler::batch(Cursor cursor) const {
  check_cursor(cursor, batches_);
  const int64_t step = step_of(cursor);
  const Directions directions = directions_for(step);
  const auto anchors_of_epoch = anchors_.get(cursor.epoch, [this](int64_t epoch) { return anchors(epoch); });
  const auto clusters = static_cast<int64_t>(anchors_of_epoch->size()) / batches_;
  Choice choice(*dataset_, classes_per_batch_);
  for (int64_t j = 0; j < clusters && choice.left() > 0; ++j) {
    const int64_t anchor = (*anchors_of_epoch)[static_cast<size_t>(cursor.position * clusters + j)];
    std::vector<float> score_c;
    if (directions && directions->width > 0 && directions->seen(anchor)) {
      score_c = directions->cosines(anchor);
      score_c[static_cast<size_t>(anchor)] = 2.0f;
    } else {
      Random random(seed_, Purpose::kSampler, static_cast<uint64_t>(step), ~static_cast<uint64_t>(j));
      score_c.resize(static_cast<size_t>(dataset_->classes()));
      for (float& score : score_c) score = static_cast<float>(random.uniform());
      score_c[static_cast<size_t>(anchor)] = 2.0f;
    }
    const bool last = j + 1 == clusters;
    choice.take(score_c, last ? choice.left() : std::min(choice.left(), config_.cluster));
  }
  GlobalBatch out;
  out.cursor = cursor;
  for (const int64_t c : choice.chosen())
    draw_samples(members_.of(c), pk_.samples_per_class,
                 Random(seed_, Purpose::kSampler, static_cast<uint64_t>(step), static_cast<uint64_t>(c) + 1),
                 [&](int64_t sample, int32_t view) {
                   out.samples.push_back(sample);
                   out.views.push_back(view);
                   out.labels.push_back(c);
                   out.groups.push_back(dataset_->group(c));
                 });
  return out;
}

void HardClassSampler::observe(Cursor cursor, std::span<const int64_t> labels, const at::Tensor& z_BD) {
  std::scoped_lock lock(mutex_);
  if (step_of(cursor) != observed_)
    throw Error("hard_class sampler: expected to observe step " + std::to_string(observed_) + ", got step " +
                std::to_string(step_of(cursor)));
  means_.add(labels, z_BD);
  if (++observed_ % config_.refresh != 0) return;
  now_ = next_;
  next_ = std::make_shared<const ClassDirections>(means_.directions());
}

ClassDirections HardClassSampler::from_tensor(const char* name, const at::Tensor& state) const {
  if (state.dim() != 2 || state.size(0) != dataset_->classes() || state.scalar_type() != at::kFloat)
    throw CheckpointError("hard_class sampler: expected float32 '" + std::string(name) + "' of " +
                          std::to_string(dataset_->classes()) +
                          " classes in the checkpoint; resume with the run's own data and configuration");
  const at::Tensor rows = state.contiguous();
  const float* begin = rows.const_data_ptr<float>();
  return {rows.size(1), std::vector<float>(begin, begin + rows.numel())};
}

void HardClassSampler::visit_state(StateVisitor& v) {
  std::scoped_lock lock(mutex_);
  const ClassDirections none;
  const int64_t classes = dataset_->classes();
  at::Tensor means = to_tensor(means_.raw(), classes), now = to_tensor(now_ ? *now_ : none, classes),
             next = to_tensor(next_ ? *next_ : none, classes);
  const std::array before = {means, now, next};
  v.replaceable("sampler", "means", means);
  v.replaceable("sampler", "directions_now", now);
  v.replaceable("sampler", "directions_next", next);
  if (means.is_same(before[0]) && now.is_same(before[1]) && next.is_same(before[2])) return;
  const auto shared = [](ClassDirections found) -> Directions {
    return found.width == 0 ? nullptr : std::make_shared<const ClassDirections>(std::move(found));
  };
  ClassDirections found = from_tensor("means", means);
  Directions found_now = shared(from_tensor("directions_now", now));
  next_ = shared(from_tensor("directions_next", next));
  now_ = std::move(found_now);
  means_.restore(std::move(found));
}

void HardClassSampler::seek(Cursor next) {
  check_cursor(next, batches_);
  std::scoped_lock lock(mutex_);
  observed_ = step_of(next);
}

namespace {

/// sampler.name: hard_class
class HardClassFactory : public SamplerFactory {
 public:
  void visit(Fields& f) override {
    pk_.visit(f);
    f.nested({.name = "hard_class", .doc = "settings of sampler.name: hard_class"}, config_);
  }
  std::shared_ptr<const IndexSampler> make(std::shared_ptr<const Dataset> dataset, int64_t global_batch,
                                           uint64_t seed) const override {
    return std::make_shared<HardClassSampler>(std::move(dataset), pk_, config_, global_batch, seed);
  }
  int64_t unit() const override { return pk_.samples_per_class; }

 private:
  PkConfig pk_;
  HardClassConfig config_;
};

}  // namespace

std::unique_ptr<SamplerFactory> make_hard_class() {
  return std::make_unique<HardClassFactory>();
}

}  // namespace lodestone::sampler
