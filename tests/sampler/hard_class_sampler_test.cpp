#include "sampler/samplers/hard_class_sampler.h"

#include <cmath>
#include <numbers>
#include <set>

#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "common/state_handles.h"
#include "sampler/samplers/no_duplicates_sampler.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

using testing::SyntheticImages;

constexpr int64_t kClasses = 24;

// Class c lies at the angle c · 15°, so that its nearest are c ± 1, c ± 2, …
at::Tensor on_a_circle(const std::vector<int64_t>& labels) {
  at::Tensor z = at::empty({static_cast<int64_t>(labels.size()), 2}, at::kFloat);
  float* out = z.mutable_data_ptr<float>();
  for (const int64_t label : labels) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(label) / kClasses;
    *out++ = static_cast<float>(std::cos(angle));
    *out++ = static_cast<float>(std::sin(angle));
  }
  return z;
}

TensorMap state_of(HardClassSampler& sampler) {
  return state_handles(sampler).at("sampler");
}

void restore(HardClassSampler& sampler, const TensorMap& state, Cursor next) {
  class Put : public StateHandles {
   public:
    explicit Put(const TensorMap& saved) : saved_(saved) {}
    void replaceable(const std::string&, const std::string& name, at::Tensor& value) override {
      value = saved_.at(name);
    }

   private:
    const TensorMap& saved_;
  } put(state);
  sampler.visit_state(put);
  sampler.seek(next);
}

std::unique_ptr<HardClassSampler> sampler(int64_t refresh = 6, std::vector<int64_t> groups = {}) {
  HardClassConfig config;
  config.cluster = 3;
  config.refresh = refresh;
  return std::make_unique<HardClassSampler>(std::make_shared<SyntheticImages>(kClasses, 6, std::move(groups)),
                                            PkConfig{2}, config, 12, 7);
}

Cursor cursor(const IndexSampler& s, int64_t step) {
  return {step / s.batches_per_epoch(), step % s.batches_per_epoch()};
}

// Trains for steps [begin, end) and returns their batches.
std::vector<GlobalBatch> train(HardClassSampler& s, int64_t begin, int64_t end) {
  std::vector<GlobalBatch> batches;
  for (int64_t t = begin; t < end; ++t) {
    batches.push_back(s.batch(cursor(s, t)));
    s.observe(cursor(s, t), batches.back().labels, on_a_circle(batches.back().labels));
  }
  return batches;
}

int64_t apart(int64_t a, int64_t b) {
  const int64_t d = std::abs(a - b);
  return std::min(d, kClasses - d);
}

void expect_pk(const GlobalBatch& batch) {
  ASSERT_EQ(batch.rows(), 12);
  std::map<int64_t, std::set<int64_t>> samples;
  for (size_t r = 0; r < 12; ++r) samples[batch.labels[r]].insert(batch.samples[r]);
  EXPECT_EQ(samples.size(), 6u);
  for (const auto& [label, members] : samples) EXPECT_EQ(members.size(), 2u);
}

TEST(HardClassSampler, BatchesAreRandomClassesFirstAndNeighboursLater) {
  const auto s = sampler();
  const auto batches = train(*s, 0, 60);
  double early = 0, late = 0;
  for (int64_t t = 0; t < 60; ++t) {
    const GlobalBatch& batch = batches[static_cast<size_t>(t)];
    expect_pk(batch);
    // Rows 0, 2, 4 are the first cluster: the anchor and two more classes.
    const int64_t spread = apart(batch.labels[0], batch.labels[2]) + apart(batch.labels[0], batch.labels[4]);
    (t < 12 ? early : late) += static_cast<double>(spread) / (t < 12 ? 12 : 48);
    // ±1, or 1 and 2 on one side where cosines tie in the last bit
    if (t >= 30) {
      EXPECT_LE(spread, 3) << t;
    }
  }
  EXPECT_GT(early, 8.0);
  EXPECT_LT(late, 3.0);
}

TEST(HardClassSampler, EveryClassIsAnAnchorEquallyOften) {
  const auto s = sampler();
  std::map<int64_t, int> anchors;
  for (const GlobalBatch& batch : train(*s, 0, 12)) ++anchors[batch.labels[0]];
  EXPECT_EQ(anchors.size(), 12u);
}

TEST(HardClassSampler, LookAlikesShareNoBatch) {
  std::vector<int64_t> groups;
  for (int64_t c = 0; c < kClasses; ++c) groups.push_back(c / 2);
  const auto s = sampler(6, groups);
  for (const GlobalBatch& batch : train(*s, 0, 40)) {
    expect_pk(batch);
    EXPECT_EQ(std::set<int64_t>(batch.groups.begin(), batch.groups.end()).size(), 6u);
  }
  // Two groups only: they have to.
  std::vector<int64_t> two(kClasses, 0);
  two[3] = 1;
  for (const GlobalBatch& batch : train(*sampler(6, two), 0, 5)) expect_pk(batch);
}

TEST(HardClassSampler, StateRoundTripsAtAnyStep) {
  const auto whole = sampler();
  const auto expected = train(*whole, 0, 40);
  for (const int64_t stop : {0, 1, 5, 6, 7, 12, 17, 25}) {
    const auto before = sampler();
    train(*before, 0, stop);
    const auto after = sampler();
    restore(*after, state_of(*before), cursor(*after, stop));
    const auto rest = train(*after, stop, 40);
    for (int64_t t = stop; t < 40; ++t)
      ASSERT_EQ(rest[static_cast<size_t>(t - stop)].samples, expected[static_cast<size_t>(t)].samples)
          << stop << " " << t;
    for (const auto& [name, tensor] : state_of(*whole))
      EXPECT_TRUE(at::equal(tensor, state_of(*after).at(name))) << name;
  }
}

TEST(HardClassSampler, BatchesMayBeAskedForAWholePeriodAhead) {
  const auto ahead = sampler();
  const auto plain = train(*sampler(), 0, 40);
  for (int64_t t = 0; t < 34; ++t) {
    EXPECT_EQ(ahead->batch(cursor(*ahead, t + ahead->lookahead())).samples,
              plain[static_cast<size_t>(t + 6)].samples);
    const auto& labels = plain[static_cast<size_t>(t)].labels;
    ahead->observe(cursor(*ahead, t), labels, on_a_circle(labels));
  }
  EXPECT_THROW(ahead->batch(cursor(*ahead, 48)), Error);
  EXPECT_THROW(ahead->batch(cursor(*ahead, 20)), Error);
}

TEST(HardClassSampler, StepsWithoutRowsKeepItRandom) {
  const auto s = sampler();
  for (int64_t t = 0; t < 40; ++t) {
    expect_pk(s->batch(cursor(*s, t)));
    s->observe(cursor(*s, t), {}, at::empty({0, 2}));
  }
  EXPECT_THROW(s->observe(cursor(*s, 39), {}, at::empty({0, 2})), Error);
}

TEST(HardClassSampler, ContinuesAtAnotherPlaceWithWhatItLearned) {
  const auto before = sampler();
  train(*before, 0, 30);
  for (const int64_t step : {0, 7, 13, 29, 100}) {
    const auto after = sampler();
    restore(*after, state_of(*before), cursor(*after, step));
    const GlobalBatch first = train(*after, step, step + 20).front();
    const int64_t spread = apart(first.labels[0], first.labels[2]) + apart(first.labels[0], first.labels[4]);
    if (step >= 12) {
      EXPECT_LE(spread, 3) << step;
    }
  }
  const auto s = sampler();
  EXPECT_THROW(restore(*s, state_of(*before), {0, s->batches_per_epoch()}), ConfigError);
}

TEST(HardClassSampler, RefusesStateOfAnotherRun) {
  const auto s = sampler();
  train(*s, 0, 13);
  const TensorMap own = state_of(*s);
  for (const char* name : {"means", "directions_now", "directions_next"}) {
    TensorMap state = own;
    state[name] = at::empty({kClasses + 1, 2});
    EXPECT_THROW(restore(*s, state, {}), CheckpointError) << name;
    for (const auto& [kept, tensor] : state_of(*s)) EXPECT_TRUE(at::equal(tensor, own.at(kept))) << kept;
  }
}

// Ids repeat: every id stands for three samples.
class Triple : public SyntheticImages {
 public:
  using SyntheticImages::SyntheticImages;
  uint64_t id(int64_t i) const override { return static_cast<uint64_t>(i / 3); }
};

TEST(NoDuplicatesSampler, NoIdIsTwiceInABatchAndAllSamplesCome) {
  const NoDuplicatesSampler s(std::make_shared<Triple>(4, 15), 10, 3);
  ASSERT_EQ(s.batches_per_epoch(), 6);
  std::map<int64_t, int> counts;
  for (int64_t epoch = 0; epoch < 4; ++epoch)
    for (int64_t b = 0; b < 6; ++b) {
      const GlobalBatch batch = s.batch({epoch, b});
      std::set<int64_t> ids;
      for (const int64_t i : batch.samples) {
        ids.insert(i / 3);
        ++counts[i];
      }
      EXPECT_EQ(ids.size(), 10u);
      EXPECT_EQ(batch.labels[0], batch.samples[0] / 15);
    }
  EXPECT_EQ(counts.size(), 60u);
  EXPECT_EQ(NoDuplicatesSampler(std::make_shared<Triple>(4, 15), 10, 3).batch({2, 3}).samples,
            s.batch({2, 3}).samples);
  EXPECT_THROW(NoDuplicatesSampler(std::make_shared<Triple>(4, 15), 21, 3), DataError);
  EXPECT_EQ(NoDuplicatesSampler(std::make_shared<Triple>(4, 15), 20, 3).batch({0, 1}).rows(), 20);
}

}  // namespace
}  // namespace lodestone
