#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "sampler/samplers/mixture_sampler.h"
#include "sampler/samplers/sampler_config.h"
#include "sampler/sources/mixed_images.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

using testing::SyntheticImages;

std::shared_ptr<const ImageDataset> mixture(std::vector<double> weights = {}) {
  return mixed_images({std::make_shared<SyntheticImages>(3, 4), std::make_shared<SyntheticImages>(5, 20)},
                      std::move(weights));
}

TEST(MixedImages, JoinsClassesByName) {
  const auto set = mixture();
  ASSERT_EQ(set->size(), 112);
  ASSERT_EQ(set->classes(), 5);
  EXPECT_EQ(set->class_name(set->label(5)), "c1");
  EXPECT_EQ(set->class_name(set->label(12 + 25)), "c1");
  EXPECT_EQ(set->label(5), set->label(12 + 25));
  EXPECT_EQ(set->key(12), "synthetic/0");
  EXPECT_EQ(set->get(13).pixels, testing::drawn_image(0, 1).pixels);
  std::set<uint64_t> ids;
  for (int64_t i = 0; i < set->size(); ++i) ids.insert(set->id(i));
  EXPECT_EQ(ids.size(), 112u);
  EXPECT_EQ(set->id(3), SyntheticImages(3, 4).id(3));
  ASSERT_EQ(set->sources().size(), 2u);
  EXPECT_EQ(set->sources()[1].begin, 12);
}

TEST(MixedImages, GroupsOfAllSourcesAreJoined) {
  // c0 and c1 look alike in one source, c1 and c2 in the other.
  const auto set = mixed_images({std::make_shared<SyntheticImages>(4, 1, std::vector<int64_t>{0, 0, 1, 2}),
                                 std::make_shared<SyntheticImages>(4, 1, std::vector<int64_t>{0, 1, 1, 2})});
  EXPECT_EQ(set->group(0), set->group(1));
  EXPECT_EQ(set->group(1), set->group(2));
  EXPECT_NE(set->group(2), set->group(3));
}

TEST(MixedImages, RefusesWeightsThatMakeNoSense) {
  for (const std::vector<double>& weights : {std::vector<double>{1}, {0, 0}, {1, -1}})
    EXPECT_THROW(mixture(weights), ConfigError);
}

TEST(MixtureSampler, SharesAreExactAtEveryMoment) {
  const MixtureSampler sampler(mixture({0.3, 0.7}), 1, 10, 1);
  std::vector<int64_t> before{0, 0};
  for (int64_t n = 0; n < 5000; ++n) {
    const auto counts = sampler.drawn(n);
    ASSERT_EQ(counts[0] + counts[1], n);
    ASSERT_NEAR(static_cast<double>(counts[0]), 0.3 * static_cast<double>(n), 1.0);
    for (size_t s = 0; s < 2; ++s) ASSERT_GE(counts[s], before[s]);
    before = counts;
  }
}

TEST(MixtureSampler, EachSourceDealsAllItsSamplesBeforeOneRepeats) {
  const MixtureSampler sampler(mixture({1, 1}), 1, 8, 3);
  std::vector<std::vector<int64_t>> seen(2);
  for (int64_t t = 0; t < 50; ++t) {
    const GlobalBatch batch =
        sampler.batch({t / sampler.batches_per_epoch(), t % sampler.batches_per_epoch()});
    ASSERT_EQ(batch.rows(), 8);
    std::set<std::pair<int64_t, int32_t>> rows;
    std::vector<std::vector<int64_t>> mine(2);
    for (size_t r = 0; r < 8; ++r) {
      rows.emplace(batch.samples[r], batch.views[r]);
      mine[batch.samples[r] >= 12].push_back(batch.samples[r]);
    }
    EXPECT_EQ(rows.size(), 8u);  // repeats are other views
    for (size_t s = 0; s < 2; ++s) seen[s].insert(seen[s].end(), mine[s].begin(), mine[s].end());
  }
  ASSERT_EQ(seen[0].size(), 200u);
  for (size_t s = 0; s < 2; ++s) {
    std::map<int64_t, int> counts;
    for (const int64_t i : seen[s]) ++counts[i];
    const auto [low, high] = std::minmax_element(
        counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    EXPECT_LE(high->second - low->second, 1);
  }
}

TEST(MixtureSampler, ASeekGivesTheSameBatch) {
  const MixtureSampler first(mixture({2, 1}), 1, 16, 5);
  const MixtureSampler second(mixture({2, 1}), 1, 16, 5);
  std::vector<GlobalBatch> batches;
  for (int64_t t = 0; t < 20; ++t) batches.push_back(first.batch({t / 7, t % 7}));
  for (int64_t t = 19; t >= 0; --t)
    EXPECT_EQ(second.batch({t / 7, t % 7}).samples, batches[static_cast<size_t>(t)].samples);
}

TEST(MixtureSampler, TwoViewsAndASourceWithoutWeight) {
  const MixtureSampler sampler(mixture({0, 1}), 2, 8, 1);
  const GlobalBatch batch = sampler.batch({0, 0});
  for (size_t r = 0; r < 8; r += 2) {
    EXPECT_GE(batch.samples[r], 12);
    EXPECT_EQ(batch.samples[r], batch.samples[r + 1]);
    EXPECT_NE(batch.views[r], batch.views[r + 1]);
    EXPECT_EQ(batch.labels[r], batch.samples[r]);
  }
}

TEST(MixtureSampler, IsWhatShuffleBecomesWithWeights) {
  SamplerConfig config;
  config.choose("shuffle");
  EXPECT_NE(dynamic_cast<const MixtureSampler*>(make_sampler(config, mixture({1, 1}), {}, 8, 0).get()),
            nullptr);
  EXPECT_EQ(dynamic_cast<const MixtureSampler*>(make_sampler(config, mixture(), {}, 8, 0).get()), nullptr);
  config.choose("pk");
  EXPECT_THROW(make_sampler(config, mixture({1, 1}), {}, 8, 0), ConfigError);
  EXPECT_EQ(make_sampler(config, mixture(), {}, 8, 0)->batch({0, 0}).rows(), 8);
}

}  // namespace
}  // namespace lodestone
