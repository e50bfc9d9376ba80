// A run finds its place again with other batches: at the same rows, or at the next epoch, never silently
// elsewhere.
#include "sampler/samplers/place.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sampler/samplers/length_buckets.h"
#include "sampler/samplers/mixture_sampler.h"
#include "sampler/samplers/sampler_config.h"
#include "sampler/samplers/shuffle_sampler.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

using ::testing::HasSubstr;
using testing::SyntheticImages;

constexpr int64_t kClasses = 12, kPerClass = 8;  // 96 samples

std::shared_ptr<const IndexSampler> named(const std::string& name, int64_t batch,
                                          int64_t per_class = kPerClass) {
  SamplerConfig config;
  config.choose(name);
  return make_sampler(config, std::make_shared<SyntheticImages>(kClasses, per_class), {}, batch, 7);
}

FoundPlace moved(const std::string& name, Cursor cursor, int64_t from, int64_t to) {
  return find_place(place_at(cursor, *named(name, from), name), *named(name, to), name);
}

TEST(Place, IsTheSameBatchWhereNothingHasChanged) {
  for (const char* name : {"pk", "shuffle", "two_views", "no_duplicates", "hard_class"})
    for (const Cursor cursor : {Cursor{0, 0}, Cursor{0, 1}, Cursor{3, 2}, Cursor{9, 5}}) {
      const FoundPlace found = moved(name, cursor, 16, 16);
      EXPECT_EQ(found.cursor, cursor) << name;
      EXPECT_EQ(found.message, "") << name;
    }
}

TEST(Place, IsAtTheSameRowsIfABatchBeginsThere) {
  for (const char* name : {"pk", "shuffle", "no_duplicates", "hard_class"}) {
    const FoundPlace larger = moved(name, {2, 4}, 16, 32), smaller = moved(name, {2, 1}, 32, 8);
    EXPECT_EQ(larger.cursor, (Cursor{2, 2})) << name;
    EXPECT_THAT(larger.message, HasSubstr("at the same place, row 64 of epoch 2")) << name;
    EXPECT_EQ(smaller.cursor, (Cursor{2, 4})) << name;
  }
  EXPECT_EQ(moved("two_views", {0, 5}, 16, 40).cursor, (Cursor{0, 2}));
}

TEST(Place, IsTheNextEpochIfNoBatchBeginsThere) {
  for (const char* name : {"pk", "shuffle", "two_views", "no_duplicates", "hard_class"}) {
    const FoundPlace found = moved(name, {2, 3}, 16, 40);
    EXPECT_EQ(found.cursor, (Cursor{3, 0})) << name;
    EXPECT_THAT(found.message, HasSubstr("48 rows were seen, is left out")) << name;
  }
  // At its last batch's end an epoch of larger batches is over: 80 of 96 rows, and no second batch of 80.
  EXPECT_EQ(moved("shuffle", {0, 5}, 16, 80).cursor, (Cursor{1, 0}));
  EXPECT_EQ(moved("shuffle", {4, 0}, 16, 40).cursor, (Cursor{4, 0})) << "nothing is left out between epochs";
}

TEST(Place, EverySampleOfAShuffledEpochStillComesOnce) {
  const auto before = named("shuffle", 16), after = named("shuffle", 32);
  std::multiset<int64_t> seen;
  const auto see = [&seen](const GlobalBatch& batch) {
    seen.insert(batch.samples.begin(), batch.samples.end());
  };
  see(before->batch({1, 0}));
  see(before->batch({1, 1}));
  Cursor cursor = find_place(place_at({1, 2}, *before, "shuffle"), *after, "shuffle").cursor;
  for (; cursor.epoch == 1; cursor = advance(cursor, 1, after->batches_per_epoch()))
    see(after->batch(cursor));
  EXPECT_EQ(seen.size(), 96u);
  EXPECT_EQ(std::set<int64_t>(seen.begin(), seen.end()).size(), 96u);
}

TEST(Place, FollowsADataSetOfAnotherSize) {
  const Place saved = place_at({1, 4}, *named("shuffle", 16), "shuffle");
  const FoundPlace larger = find_place(saved, *named("shuffle", 16, 12), "shuffle");
  EXPECT_EQ(larger.cursor, (Cursor{1, 4}));
  EXPECT_THAT(larger.message, HasSubstr("9 batches of 16 an epoch, before 6"));
  const FoundPlace smaller = find_place(saved, *named("shuffle", 16, 4), "shuffle");
  EXPECT_EQ(smaller.cursor, (Cursor{2, 0})) << "the epoch has no so many rows";
}

TEST(Place, IsTheNextEpochWhereRowsComeInAnotherOrder) {
  const Place saved = place_at({1, 2}, *named("shuffle", 16), "shuffle");
  EXPECT_EQ(find_place(saved, *named("two_views", 16), "two_views").cursor, (Cursor{2, 0}));
  EXPECT_EQ(find_place(saved, *named("pk", 16), "pk").cursor, (Cursor{2, 0}));
}

// Other samples of the same number, or another seed: row 48 of such a tour is not what was row 48 before.
TEST(Place, IsTheNextEpochWhereSamplesOrSeedAreOthers) {
  for (const char* name : {"pk", "shuffle", "two_views", "no_duplicates", "hard_class"}) {
    Place saved = place_at({2, 3}, *named(name, 16), name);
    saved.same_samples = false;
    const FoundPlace found = find_place(saved, *named(name, 16), name);
    EXPECT_EQ(found.cursor, (Cursor{3, 0})) << name;
    EXPECT_THAT(found.message, HasSubstr("samples, seed or sampler differ")) << name;
    EXPECT_THAT(found.message, HasSubstr("its rows come in another order now")) << name;
    saved.rows = 0;
    EXPECT_EQ(find_place(saved, *named(name, 16), name).cursor, (Cursor{2, 0})) << name;
  }
}

TEST(Place, OfLengthBucketsIsWhereAWindowBegins) {
  const auto data = std::make_shared<SyntheticImages>(kClasses, kPerClass);
  const auto buckets = [&](int64_t batch, int64_t window) {
    return LengthBuckets(
        named("shuffle", batch), data, [](int64_t i) { return i; }, 1, window, 3);
  };
  const LengthBuckets saved = buckets(8, 4);
  EXPECT_EQ(find_place(place_at({0, 3}, saved, "s"), buckets(8, 4), "s").cursor, (Cursor{0, 3}));
  EXPECT_EQ(find_place(place_at({0, 4}, saved, "s"), buckets(8, 2), "s").cursor, (Cursor{1, 0}))
      << "windows of another width are another order";
  EXPECT_EQ(find_place(place_at({0, 4}, saved, "s"), buckets(4, 4), "s").cursor, (Cursor{0, 8}));
  EXPECT_EQ(find_place(place_at({0, 2}, saved, "s"), buckets(4, 4), "s").cursor, (Cursor{1, 0}))
      << "in the midst of a window rows were seen out of order";
}

class Mixed : public SyntheticImages {
 public:
  using SyntheticImages::SyntheticImages;
  std::vector<Source> sources() const override { return {{0, 1.0}, {kPerClass, 3.0}}; }
};

TEST(Place, OfAMixtureIsItsNumberOfDraws) {
  const auto data = std::make_shared<Mixed>(kClasses, kPerClass);
  const MixtureSampler before(data, 1, 16, 7), after(data, 1, 40, 7);
  ASSERT_EQ(after.batches_per_epoch(), 2);
  const FoundPlace exact = find_place(place_at({2, 3}, before, "shuffle"), after, "shuffle");
  EXPECT_EQ(exact.cursor, (Cursor{3, 0})) << "240 draws";
  const FoundPlace later = find_place(place_at({2, 4}, before, "shuffle"), after, "shuffle");
  EXPECT_EQ(later.cursor, (Cursor{3, 1}));
  EXPECT_THAT(later.message, HasSubstr("at draw 280, leaving out 24 rows"));
  // What each source has dealt continues without a gap.
  EXPECT_EQ(before.drawn(240)[0], 60);
}

}  // namespace
}  // namespace lodestone
