#include "sampler/samplers/pk_sampler.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "common/error.h"
#include "sampler/samplers/dealer.h"
#include "sampler/samplers/sampler_factory.h"

namespace lodestone::sampler {

namespace {

/// Chooses the classes of consecutive batches.
class ClassDealer {
 public:
  ClassDealer(const Dataset& dataset, Random random)
      : dataset_(dataset),
        line_(dataset.classes(), random),
        class_batch_(static_cast<size_t>(dataset.classes()), -1),
        group_batch_(static_cast<size_t>(dataset.classes()), -1) {}

  std::vector<int64_t> deal(int64_t count) {
    ++batch_;
    std::vector<int64_t> chosen = line_.deal(count, [this](int64_t c) {
      return group_batch_[static_cast<size_t>(dataset_.group(c))] != batch_ && take(c);
    });
    // Fewer groups than needed: look-alikes must share the batch, each class still at most once.
    const auto more = line_.deal(count - static_cast<int64_t>(chosen.size()), [this](int64_t c) {
      return class_batch_[static_cast<size_t>(c)] != batch_ && take(c);
    });
    chosen.insert(chosen.end(), more.begin(), more.end());
    return chosen;
  }

 private:
  bool take(int64_t c) {
    class_batch_[static_cast<size_t>(c)] = batch_;
    group_batch_[static_cast<size_t>(dataset_.group(c))] = batch_;
    return true;
  }

  const Dataset& dataset_;
  Dealer line_;
  std::vector<int64_t> class_batch_;  // the last batch each class was in
  std::vector<int64_t> group_batch_;
  int64_t batch_ = -1;
};

/// Draws K numbers of 0..n-1 from the class's own decks. A second view begins only when all n are in the
/// batch.
template <typename Emit>
void deal_samples(Dealer& line, int64_t wanted, int64_t n, const Emit& emit) {
  for (int32_t view = 0; wanted > 0; ++view) {
    std::vector<int64_t> taken;
    const auto dealt = line.deal(std::min(wanted, n), [&taken](int64_t number) {
      if (std::find(taken.begin(), taken.end(), number) != taken.end()) return false;
      taken.push_back(number);
      return true;
    });
    for (int64_t number : dealt) emit(number, view);
    wanted -= static_cast<int64_t>(dealt.size());
  }
}

}  // namespace

PkSampler::PkSampler(std::shared_ptr<const Dataset> dataset, PkConfig config, int64_t global_batch,
                     uint64_t seed)
    : dataset_(std::move(dataset)),
      config_(config),
      global_batch_(global_batch),
      seed_(seed),
      members_(*dataset_) {
  check_classes("pk sampler", *dataset_, members_, config_, global_batch_);
  batches_ = std::max<int64_t>(1, dataset_->size() / global_batch_);
}

PkSampler::Plan PkSampler::plan(int64_t epoch) const {
  const auto e = static_cast<uint64_t>(epoch);
  ClassDealer classes(*dataset_, Random(seed_, Purpose::kSampler, e, 0));
  std::vector<Dealer> samples;
  samples.reserve(static_cast<size_t>(members_.classes()));
  for (int64_t c = 0; c < members_.classes(); ++c)
    samples.emplace_back(static_cast<int64_t>(members_.of(c).size()),
                         Random(seed_, Purpose::kSampler, e, static_cast<uint64_t>(c) + 1));
  Plan made;
  made.samples.reserve(static_cast<size_t>(batches_ * global_batch_));
  made.views.reserve(made.samples.capacity());
  for (int64_t b = 0; b < batches_; ++b) {
    for (int64_t c : classes.deal(classes_per_batch())) {
      const auto members = members_.of(c);
      deal_samples(samples[static_cast<size_t>(c)], config_.samples_per_class,
                   static_cast<int64_t>(members.size()), [&](int64_t number, int32_t view) {
                     made.samples.push_back(members[static_cast<size_t>(number)]);
                     made.views.push_back(view);
                   });
    }
  }
  return made;
}

GlobalBatch PkSampler::batch(Cursor cursor) const {
  check_cursor(cursor, batches_);
  const auto epoch_plan = plans_.get(cursor.epoch, [this](int64_t epoch) { return plan(epoch); });
  const auto begin = static_cast<std::ptrdiff_t>(cursor.position * global_batch_);
  const auto end = begin + static_cast<std::ptrdiff_t>(global_batch_);
  GlobalBatch out;
  out.cursor = cursor;
  out.samples.assign(epoch_plan->samples.begin() + begin, epoch_plan->samples.begin() + end);
  out.views.assign(epoch_plan->views.begin() + begin, epoch_plan->views.begin() + end);
  for (int64_t i : out.samples) {
    out.labels.push_back(dataset_->label(i));
    out.groups.push_back(dataset_->group(out.labels.back()));
  }
  return out;
}

namespace {

/// sampler.name: pk
class PkFactory : public SamplerFactory {
 public:
  void visit(Fields& f) override { config_.visit(f); }
  std::shared_ptr<const IndexSampler> make(std::shared_ptr<const Dataset> dataset, int64_t global_batch,
                                           uint64_t seed) const override {
    return std::make_shared<PkSampler>(std::move(dataset), config_, global_batch, seed);
  }
  int64_t unit() const override { return config_.samples_per_class; }

 private:
  PkConfig config_;
};

}  // namespace

std::unique_ptr<SamplerFactory> make_pk() {
  return std::make_unique<PkFactory>();
}

}  // namespace lodestone::sampler
