#include "sampler/samplers/index_sampler.h"

#include <gtest/gtest.h>

#include "sampler/samplers/range_sampler.h"
#include "sampler/samplers/shuffle_sampler.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

using testing::SyntheticImages;

TEST(ShareOf, SharesFollowEachOtherAndDifferByAtMostOne) {
  for (int64_t rows : {0, 1, 5, 7, 8, 64, 100})
    for (int64_t world = 1; world <= 9; ++world) {
      int64_t next = 0;
      int64_t last_size = rows;
      for (int64_t rank = 0; rank < world; ++rank) {
        const Range share = share_of(rows, {rank, world});
        EXPECT_EQ(share.begin, next);
        EXPECT_LE(share.size(), last_size);
        EXPECT_GE(share.size(), rows / world);
        next = share.end;
        last_size = share.size();
      }
      EXPECT_EQ(next, rows);
    }
  EXPECT_THROW(share_of(8, {2, 2}), ConfigError);
  EXPECT_THROW(share_of(8, {0, 0}), ConfigError);
  EXPECT_THROW(share_of(-1, {0, 1}), ConfigError);
}

TEST(ShareOf, PiecesStayWhole) {
  for (int64_t rows : {0, 5, 22, 64})
    for (int64_t pieces : {1, 6, 8})
      for (int64_t world = 1; world <= 9; ++world) {
        int64_t next = 0, piece = 0;
        for (int64_t rank = 0; rank < world; ++rank) {
          const Range share = share_of(rows, {rank, world, pieces});
          EXPECT_EQ(share.begin, next);
          for (next = share.begin; next < share.end; ++piece) next = share_of(rows, {piece, pieces}).end;
          EXPECT_EQ(next, share.end);
        }
        EXPECT_EQ(next, rows);
      }
}

TEST(Cursor, AdvancesAcrossEpochs) {
  EXPECT_EQ(advance({2, 3}, 4, 5), (Cursor{3, 2}));
  EXPECT_EQ(advance({0, 0}, 10, 5), (Cursor{2, 0}));
}

TEST(ShuffleSampler, EverySampleOncePerEpoch) {
  auto images = std::make_shared<SyntheticImages>(6, 4);
  const ShuffleSampler sampler(images, 1, 6, 9);
  ASSERT_EQ(sampler.batches_per_epoch(), 4);
  std::set<int64_t> seen;
  for (int64_t position = 0; position < 4; ++position) {
    const GlobalBatch batch = sampler.batch({0, position});
    for (size_t r = 0; r < 6; ++r) {
      seen.insert(batch.samples[r]);
      EXPECT_EQ(batch.labels[r], images->label(batch.samples[r]));
    }
  }
  EXPECT_EQ(seen.size(), 24u);
  EXPECT_NE(sampler.batch({0, 0}).samples, sampler.batch({1, 0}).samples);
  EXPECT_THROW(sampler.batch({0, 4}), ConfigError);
  EXPECT_THROW(sampler.batch({-1, 0}), ConfigError);
}

TEST(ShuffleSampler, TwoViewsOfASampleAreItsOnlyPositives) {
  auto images = std::make_shared<SyntheticImages>(3, 5);
  const ShuffleSampler sampler(images, 2, 10, 9);
  const GlobalBatch batch = sampler.batch({0, 1});
  ASSERT_EQ(batch.rows(), 10);
  for (size_t r = 0; r < 10; r += 2) {
    EXPECT_EQ(batch.samples[r], batch.samples[r + 1]);
    EXPECT_EQ(batch.views[r], 0);
    EXPECT_EQ(batch.views[r + 1], 1);
    EXPECT_EQ(batch.labels[r], batch.samples[r]);
    EXPECT_EQ(batch.groups[r + 1], batch.samples[r]);
  }
  EXPECT_THROW(ShuffleSampler(images, 2, 9, 1), ConfigError);
  EXPECT_THROW(ShuffleSampler(images, 3, 9, 1), ConfigError);
  EXPECT_THROW(ShuffleSampler(images, 2, 32, 1), DataError);
}

TEST(RangeSampler, WalksTheRangeWithASmallerLastBatch) {
  auto images = std::make_shared<SyntheticImages>(3, 5);
  const RangeSampler sampler(images, {4, 11}, 3);
  ASSERT_EQ(sampler.batches_per_epoch(), 3);
  EXPECT_EQ(sampler.batch({0, 0}).samples, (std::vector<int64_t>{4, 5, 6}));
  EXPECT_EQ(sampler.batch({0, 2}).samples, (std::vector<int64_t>{10}));
  EXPECT_EQ(RangeSampler(images, {4, 4}, 3).batch({0, 0}).rows(), 0);
  EXPECT_THROW(RangeSampler(images, {4, 16}, 3), ConfigError);
}

}  // namespace
}  // namespace lodestone
