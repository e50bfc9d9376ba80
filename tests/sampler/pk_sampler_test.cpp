#include "sampler/samplers/pk_sampler.h"

#include <algorithm>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

using ::testing::HasSubstr;
using testing::SyntheticImages;

std::map<int64_t, std::set<int64_t>> samples_by_label(const GlobalBatch& batch) {
  std::map<int64_t, std::set<int64_t>> out;
  for (size_t r = 0; r < batch.samples.size(); ++r) out[batch.labels[r]].insert(batch.samples[r]);
  return out;
}

template <typename Make>
std::string error_of(Make make) {
  try {
    make();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(PkSampler, EveryBatchHasPClassesOfKDistinctSamples) {
  for (auto [classes, per_class, k, rows] :
       {std::array<int64_t, 4>{31, 7, 3, 48}, {16, 4, 4, 64}, {5, 20, 8, 40}, {40, 5, 1, 40}}) {
    const PkSampler sampler(std::make_shared<SyntheticImages>(classes, per_class), {k, false}, rows, 3);
    for (int64_t epoch = 0; epoch < 3; ++epoch)
      for (int64_t position = 0; position < sampler.batches_per_epoch(); ++position) {
        const GlobalBatch batch = sampler.batch({epoch, position});
        const auto by_label = samples_by_label(batch);
        ASSERT_EQ(static_cast<int64_t>(by_label.size()), rows / k);
        for (const auto& [label, samples] : by_label) ASSERT_EQ(static_cast<int64_t>(samples.size()), k);
        ASSERT_EQ(std::count(batch.views.begin(), batch.views.end(), 0), rows);
      }
  }
}

TEST(PkSampler, IsAPureFunctionOfSeedEpochAndPosition) {
  auto images = std::make_shared<SyntheticImages>(20, 9);
  const PkSampler one(images, {3, false}, 30, 3);
  const PkSampler two(images, {3, false}, 30, 3);
  const PkSampler other_seed(images, {3, false}, 30, 4);
  const auto expected = one.batch({7, 4}).samples;
  for (int64_t epoch : {0, 9, 8}) one.batch({epoch, 0});
  EXPECT_EQ(one.batch({7, 4}).samples, expected);
  EXPECT_EQ(two.batch({7, 4}).samples, expected);
  EXPECT_NE(other_seed.batch({7, 4}).samples, expected);
  EXPECT_NE(one.batch({7, 3}).samples, expected);
}

TEST(PkSampler, SharesOfAnyWorldMakeUpTheGlobalBatch) {
  const PkSampler sampler(std::make_shared<SyntheticImages>(20, 9), {3, false}, 30, 3);
  const GlobalBatch batch = sampler.batch({0, 1});
  for (int64_t world = 1; world <= 8; ++world) {
    std::vector<int64_t> together;
    for (int64_t rank = 0; rank < world; ++rank) {
      const Range share = share_of(batch.rows(), {rank, world});
      together.insert(together.end(), batch.samples.begin() + share.begin, batch.samples.begin() + share.end);
    }
    EXPECT_EQ(together, batch.samples);
  }
}

TEST(PkSampler, ClassesAndSamplesAppearEquallyOften) {
  const PkSampler sampler(std::make_shared<SyntheticImages>(31, 16), {4, false}, 64, 5);
  std::map<int64_t, int> classes;
  std::map<int64_t, int> samples;
  for (int64_t position = 0; position < sampler.batches_per_epoch(); ++position) {
    const GlobalBatch batch = sampler.batch({2, position});
    for (const auto& [label, chosen] : samples_by_label(batch)) ++classes[label];
    for (int64_t sample : batch.samples) ++samples[sample];
  }
  ASSERT_EQ(classes.size(), 31u);
  for (const auto& [label, count] : classes) {
    EXPECT_GE(count, 2) << label;  // 7 batches of 16 classes: 3.6 on average
    EXPECT_LE(count, 5) << label;
  }
  for (const auto& [sample, count] : samples) EXPECT_LE(count, 2) << sample;
}

TEST(PkSampler, LookAlikesShareABatchOnlyIfTheyMust) {
  // 12 classes in 6 groups of two.
  const auto images =
      std::make_shared<SyntheticImages>(12, 4, std::vector<int64_t>{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5});
  const PkSampler apart(images, {2, false}, 12, 5);
  for (int64_t epoch = 0; epoch < 20; ++epoch)
    for (int64_t position = 0; position < apart.batches_per_epoch(); ++position) {
      const GlobalBatch batch = apart.batch({epoch, position});
      EXPECT_EQ(std::set<int64_t>(batch.groups.begin(), batch.groups.end()).size(), 6u);
    }
  const PkSampler crowded(images, {2, false}, 20, 5);
  for (int64_t epoch = 0; epoch < 20; ++epoch) {
    const GlobalBatch batch = crowded.batch({epoch, 0});
    EXPECT_EQ(samples_by_label(batch).size(), 10u);
    EXPECT_EQ(std::set<int64_t>(batch.groups.begin(), batch.groups.end()).size(), 6u);
  }
}

TEST(PkSampler, SmallClassesAreAnErrorOrRepeatWithViewsOfTheirOwn) {
  const auto images = std::make_shared<SyntheticImages>(6, 3);
  const std::string message = error_of([&] { PkSampler(images, {4, false}, 8, 1); });
  EXPECT_THAT(message, HasSubstr("'c0'"));
  EXPECT_THAT(message, HasSubstr("allow_small_classes"));
  const PkSampler sampler(images, {7, true}, 14, 1);
  const GlobalBatch batch = sampler.batch({0, 0});
  std::set<std::pair<int64_t, int32_t>> rows;
  for (size_t r = 0; r < 14; ++r) rows.insert({batch.samples[r], batch.views[r]});
  EXPECT_EQ(rows.size(), 14u);
  EXPECT_EQ(*std::max_element(batch.views.begin(), batch.views.end()), 2);
  EXPECT_EQ(samples_by_label(batch).begin()->second.size(), 3u);
}

TEST(PkSampler, RefusesSizesThatDoNotFit) {
  const auto images = std::make_shared<SyntheticImages>(6, 3);
  EXPECT_THAT(error_of([&] { PkSampler(images, {3, false}, 10, 1); }), HasSubstr("10 and 3"));
  EXPECT_THROW(PkSampler(images, {0, false}, 10, 1), ConfigError);
  EXPECT_THROW(PkSampler(images, {3, false}, 0, 1), ConfigError);
  const std::string message = error_of([&] { PkSampler(images, {3, false}, 21, 1); });
  EXPECT_THAT(message, HasSubstr("at least 7 classes"));
  EXPECT_THAT(message, HasSubstr("got 6"));
}

}  // namespace
}  // namespace lodestone
