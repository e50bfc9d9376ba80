#include "sampler/loader.h"

#include <condition_variable>
#include <numeric>

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "sampler/image_examples.h"
#include "sampler/samplers/pk_sampler.h"
#include "sampler/samplers/row_sampler.h"
#include "sampler/samplers/shuffle_sampler.h"
#include "sampler/samplers/tuple_sampler.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

using testing::SyntheticImages;

class LoaderTest : public ::testing::Test {
 protected:
  std::unique_ptr<Loader> open(LoaderConfig config, Shard shard = {}, Cursor start = {},
                               bool augment = true) {
    return std::make_unique<Loader>(examples(), sampler_, shard, config, 7, start, augment);
  }
  std::shared_ptr<const Examples> examples() const {
    return std::make_shared<ImageExamples>(images_, ImageTransform(ImageTransformConfig{}, 7), 1 << 20);
  }
  static LoaderConfig config(int64_t workers, int64_t depth = 4) {
    LoaderConfig out;
    out.workers = workers;
    out.depth = depth;
    return out;
  }
  static void expect_same(const Batch& a, const Batch& b) {
    EXPECT_EQ(a.cursor, b.cursor);
    EXPECT_EQ(a.labels, b.labels);
    EXPECT_EQ(a.ids, b.ids);
    EXPECT_EQ(a.indices, b.indices);
    EXPECT_TRUE(at::equal(a.features.pixels_nCHW, b.features.pixels_nCHW));
  }

  std::shared_ptr<SyntheticImages> images_ = std::make_shared<SyntheticImages>(9, 8);
  std::shared_ptr<PkSampler> sampler_ = std::make_shared<PkSampler>(images_, PkConfig{3, false}, 12, 7);
};

TEST_F(LoaderTest, BatchesDoNotDependOnThreadsOrDepth) {
  auto one = open(config(1, 1));
  auto three = open(config(3, 2));
  auto four = open(config(4, 7));
  for (int step = 0; step < 20; ++step) {
    const Batch batch = one->next();
    EXPECT_EQ(batch.cursor, advance({}, step, sampler_->batches_per_epoch()));
    EXPECT_EQ(batch.features.pixels_nCHW.sizes(), (at::IntArrayRef{12, 1, 28, 28}));
    EXPECT_EQ(batch.labels, sampler_->batch(batch.cursor).labels);
    expect_same(three->next(), batch);
    expect_same(four->next(), batch);
  }
}

TEST_F(LoaderTest, SharesOfAnyWorldMakeUpTheGlobalBatch) {
  const Batch whole = open(config(1))->next();
  for (int64_t world : {2, 5, 8, 14}) {
    int64_t row = 0;
    for (int64_t rank = 0; rank < world; ++rank) {
      const Batch part = open(config(1), {rank, world})->next();
      EXPECT_EQ(part.global_rows, 12);
      EXPECT_EQ(part.features.pixels_nCHW.size(0), part.share.size());
      EXPECT_EQ(part.share.begin, row);
      EXPECT_EQ(part.features.pixels_nCHW.size(3), 28);  // an empty share has its shape
      EXPECT_TRUE(at::equal(part.features.pixels_nCHW,
                            whole.features.pixels_nCHW.slice(0, part.share.begin, part.share.end)));
      row = part.share.end;
    }
    EXPECT_EQ(row, 12);
  }
}

TEST_F(LoaderTest, ResumingAtACursorContinuesExactly) {
  auto first = open(config(2));
  for (int step = 0; step < 8; ++step) first->next();
  const Cursor saved = first->cursor();
  EXPECT_GT(saved.epoch, 0);
  auto second = open(config(3), {}, saved);
  for (int step = 0; step < 8; ++step) expect_same(second->next(), first->next());
  EXPECT_THROW(open(config(1), {}, {0, 99}), ConfigError);
}

TEST_F(LoaderTest, AWorkersErrorComesOutOfItsNextAndStays) {
  images_ = std::make_shared<SyntheticImages>(9, 8, std::vector<int64_t>{}, std::set<int64_t>{40});
  sampler_ = std::make_shared<PkSampler>(images_, PkConfig{3, false}, 12, 7);
  for (int64_t workers : {1, 3}) {
    auto loader = open(config(workers));
    for (;;) {
      const auto samples = sampler_->batch(loader->cursor()).samples;
      if (std::count(samples.begin(), samples.end(), 40) > 0) break;
      loader->next();
    }
    EXPECT_THROW(loader->next(), DataError);
    EXPECT_THROW(loader->next(), DataError);
  }
}

TEST_F(LoaderTest, SkippedRecordsKeepLabelsAndAreCounted) {
  images_ = std::make_shared<SyntheticImages>(9, 8, std::vector<int64_t>{}, std::set<int64_t>{40});
  sampler_ = std::make_shared<PkSampler>(images_, PkConfig{3, false}, 12, 7);
  LoaderConfig skipping = config(2);
  skipping.bad_records = {OnBadRecord::kSkip, 0.1};
  auto loader = open(skipping);
  for (int64_t step = 0; step < 2 * sampler_->batches_per_epoch(); ++step) {
    const Batch batch = loader->next();
    EXPECT_EQ(batch.labels, sampler_->batch(batch.cursor).labels);
    for (size_t r = 0; r < batch.indices.size(); ++r) {
      EXPECT_NE(batch.indices[r], 40);
      EXPECT_EQ(images_->label(batch.indices[r]), batch.labels[r]);
      EXPECT_EQ(batch.ids[r], static_cast<int64_t>(images_->id(batch.indices[r])));
    }
  }
  EXPECT_EQ(loader->bad_records(), 1);
  EXPECT_EQ(loader->take_bad_records().size(), 1u);
  EXPECT_TRUE(loader->take_bad_records().empty());
}

// The rows of all ranks of a world, put together again; each rank with a loader of its own.
struct Rows {
  std::vector<int64_t> labels, ids, indices;
  std::vector<Tuple> tuples;
};
Rows rows_of_world(int64_t world, const std::function<std::unique_ptr<Loader>(Shard)>& open, int64_t steps) {
  std::vector<std::unique_ptr<Loader>> loaders;
  for (int64_t rank = 0; rank < world; ++rank) loaders.push_back(open({rank, world}));
  Rows all;
  for (int64_t step = 0; step < steps; ++step)
    for (auto& loader : loaders) {
      const Batch batch = loader->next();
      all.labels.insert(all.labels.end(), batch.labels.begin(), batch.labels.end());
      all.ids.insert(all.ids.end(), batch.ids.begin(), batch.ids.end());
      all.indices.insert(all.indices.end(), batch.indices.begin(), batch.indices.end());
      if (batch.share.begin == 0)
        all.tuples.insert(all.tuples.end(), batch.tuples.begin(), batch.tuples.end());
    }
  return all;
}

TEST_F(LoaderTest, AnUnreadableClassIsReplacedTheSameWayInAnyWorld) {
  images_ =
      std::make_shared<SyntheticImages>(9, 3, std::vector<int64_t>{}, std::set<int64_t>{12, 13, 14, 20});
  sampler_ = std::make_shared<PkSampler>(images_, PkConfig{3, false}, 12, 7);
  LoaderConfig skipping = config(2);
  skipping.bad_records = {OnBadRecord::kSkip, 1};
  const auto open_shard = [&](Shard shard) { return open(skipping, shard); };
  const Rows alone = rows_of_world(1, open_shard, 6);
  for (size_t r = 0; r < alone.labels.size(); ++r) {
    EXPECT_EQ(alone.labels[r],
              images_->label(alone.indices[r]));  // never the bad class's for another's image
    EXPECT_NE(alone.labels[r], 4);
    EXPECT_EQ(alone.labels[r], alone.labels[r / 3 * 3]);  // K of a class still meet
  }
  for (const int64_t world : {2, 5}) {
    const Rows parts = rows_of_world(world, open_shard, 6);
    EXPECT_EQ(parts.labels, alone.labels) << world;
    EXPECT_EQ(parts.indices, alone.indices) << world;
  }
}

TEST_F(LoaderTest, BothViewsOfABadImageHaveTheSameStandInAndItsLabel) {
  images_ = std::make_shared<SyntheticImages>(9, 1, std::vector<int64_t>{}, std::set<int64_t>{3, 5});
  auto sampler = std::make_shared<ShuffleSampler>(images_, 2, 6, 7);
  LoaderConfig skipping = config(1);
  skipping.bad_records = {OnBadRecord::kSkip, 1};
  const auto open_shard = [&](Shard shard) {
    return std::make_unique<Loader>(examples(), sampler, shard, skipping, 7);
  };
  const Rows alone = rows_of_world(1, open_shard, 6);
  for (size_t r = 0; r < alone.labels.size(); r += 2) {
    EXPECT_EQ(alone.indices[r], alone.indices[r + 1]);
    EXPECT_EQ(alone.labels[r], alone.indices[r]);
    EXPECT_EQ(alone.labels[r + 1], alone.indices[r]);
  }
  EXPECT_EQ(rows_of_world(4, open_shard, 6).indices, alone.indices);
}

TEST_F(LoaderTest, ATupleWithABadImageIsReplacedWholeOnEveryRank) {
  images_ = std::make_shared<SyntheticImages>(30, 2, std::vector<int64_t>{}, std::set<int64_t>{4, 33, 50});
  std::vector<Tuple> pairs, triplets;
  for (int64_t i = 0; i < 30; ++i) pairs.push_back({i, i + 30, -1, i % 2 == 0});
  for (int64_t i = 0; i < 20; ++i) triplets.push_back({i, i + 20, i + 40});
  for (const auto& tuples : {pairs, triplets}) {
    const int64_t width = tuples[0].is_triplet() ? 3 : 2;
    auto sampler = std::make_shared<TupleSampler>(images_, tuples, 4 * width, 3);
    LoaderConfig skipping = config(2);
    skipping.bad_records = {OnBadRecord::kSkip, 1};
    const auto open_shard = [&](Shard shard) {
      return std::make_unique<Loader>(examples(), sampler, shard, skipping, 7);
    };
    const Rows alone = rows_of_world(1, open_shard, 10);
    for (size_t t = 0; t < alone.tuples.size(); ++t) {
      const size_t row = t * static_cast<size_t>(width);
      Tuple read{alone.indices[row], alone.indices[row + 1], width == 3 ? alone.indices[row + 2] : -1,
                 alone.tuples[t].same};
      EXPECT_EQ(std::count(tuples.begin(), tuples.end(), read), 1) << t;  // one of the list, its label too
      for (size_t k = 0; k < static_cast<size_t>(width); ++k)
        EXPECT_FALSE((std::set<int64_t>{4, 33, 50}.contains(alone.indices[row + k])));
    }
    for (const int64_t world : {2, 3, 5, 7}) {
      const Rows parts = rows_of_world(world, open_shard, 10);
      EXPECT_EQ(parts.indices, alone.indices) << world;
      EXPECT_EQ(parts.ids, alone.ids) << world;
    }
  }
}

TEST_F(LoaderTest, RowsOfTextsStayTogetherWhereOneIsBad) {
  images_ = std::make_shared<SyntheticImages>(12, 3, std::vector<int64_t>{}, std::set<int64_t>{7, 20});
  auto sampler = std::make_shared<RowSampler>(images_, 3, 12, 5);
  LoaderConfig skipping = config(1);
  skipping.bad_records = {OnBadRecord::kSkip, 1};
  const auto open_shard = [&](Shard shard) {
    return std::make_unique<Loader>(examples(), sampler, shard, skipping, 7);
  };
  const Rows alone = rows_of_world(1, open_shard, 9);
  for (size_t r = 0; r < alone.indices.size(); r += 3)
    for (size_t k = 0; k < 3; ++k)
      EXPECT_EQ(alone.indices[r + k], alone.indices[r] / 3 * 3 + static_cast<int64_t>(k));
  EXPECT_EQ(rows_of_world(5, open_shard, 9).indices, alone.indices);
}

TEST_F(LoaderTest, CarriesTheTuplesOfTheGlobalBatch) {
  std::vector<Tuple> pairs;
  for (int64_t i = 0; i < 20; ++i) pairs.push_back({i, i + 20, -1, i % 2 == 0});
  auto sampler = std::make_shared<TupleSampler>(images_, pairs, 8, 3);
  Loader loader(examples(), sampler, {1, 3}, config(1), 3);
  const Batch batch = loader.next();
  EXPECT_EQ(batch.share, (Range{3, 6}));
  EXPECT_EQ(batch.tuples, sampler->batch({0, 0}).tuples);
}

TEST_F(LoaderTest, EvaluationSeesTheShareOnceInOrder) {
  std::vector<int64_t> seen;
  for (int64_t rank = 0; rank < 5; ++rank) {
    auto loader = make_eval_loader(examples(), {rank, 5}, 4, config(2));
    while (loader->has_next()) {
      const Batch batch = loader->next();
      EXPECT_EQ(batch.features.pixels_nCHW.size(0), static_cast<int64_t>(batch.indices.size()));
      seen.insert(seen.end(), batch.indices.begin(), batch.indices.end());
    }
    EXPECT_THROW(loader->next(), ConfigError);
  }
  std::vector<int64_t> all(72);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(seen, all);
  auto empty = make_eval_loader(examples(), {99, 100}, 4, config(1));
  EXPECT_FALSE(empty->has_next());
}

TEST_F(LoaderTest, EvaluationLeavesBadRecordsOutRatherThanReplaceThem) {
  images_ = std::make_shared<SyntheticImages>(9, 8, std::vector<int64_t>{}, std::set<int64_t>{0, 40, 41});
  EXPECT_THROW(make_eval_loader(examples(), {}, 4, config(1))->next(), DataError);
  LoaderConfig skipping = config(2);
  skipping.bad_records = {OnBadRecord::kSkip, 0.1};
  for (const int64_t world : {1, 3}) {
    std::vector<int64_t> seen;
    size_t bad = 0;
    for (int64_t rank = 0; rank < world; ++rank) {
      auto loader = make_eval_loader(examples(), {rank, world}, 4, skipping);
      while (loader->has_next()) {
        const Batch batch = loader->next();
        ASSERT_EQ(batch.features.pixels_nCHW.size(0), static_cast<int64_t>(batch.indices.size()));
        ASSERT_EQ(batch.labels.size(), batch.indices.size());
        seen.insert(seen.end(), batch.indices.begin(), batch.indices.end());
      }
      bad += loader->take_bad_records().size();
    }
    EXPECT_EQ(seen.size(), 69U);
    EXPECT_EQ(bad, 3U);
    for (const int64_t one : {0, 40, 41}) EXPECT_EQ(std::count(seen.begin(), seen.end(), one), 0);
  }
}

TEST_F(LoaderTest, EvaluationHasTheSameBatchesForAnyNumberOfShards) {
  const auto batches = [&](int64_t world) {
    std::vector<std::vector<int64_t>> all;
    for (int64_t rank = 0; rank < world; ++rank)
      for (auto loader = make_eval_loader(examples(), {rank, world}, 10, config(1)); loader->has_next();)
        all.push_back(loader->next().indices);
    return all;
  };
  const auto alone = batches(1);
  ASSERT_EQ(alone.size(), 8U);
  EXPECT_EQ(alone.back().size(), 2U);
  for (const int64_t world : {2, 3, 8, 11}) EXPECT_EQ(batches(world), alone);
}

TEST_F(LoaderTest, RefusesNoWorkers) {
  EXPECT_THROW(open(config(0)), ConfigError);
  EXPECT_THROW(open(config(1, 0)), ConfigError);
}

TEST(Prefetcher, NeverHasMoreThanDepthItemsBeyondTheConsumer) {
  std::mutex mutex;
  std::condition_variable changed;
  int64_t most = -1;
  Prefetcher<int64_t> numbers(
      [&](int64_t n, const std::atomic<bool>&) {
        std::scoped_lock lock(mutex);
        most = std::max(most, n);
        changed.notify_all();
        return n;
      },
      4, 3);
  for (int64_t n = 0; n < 50; ++n) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return most == n + 2; });  // filled up to the bound …
    }
    EXPECT_EQ(numbers.next(), n);
    std::scoped_lock lock(mutex);
    EXPECT_LE(most, n + 3);  // … and never beyond
  }
}

TEST(Prefetcher, StopsWithoutMakingWhatNobodyWants) {
  std::atomic<int64_t> made = 0;
  {
    Prefetcher<int> slow(
        [&](int64_t, const std::atomic<bool>& stop) {
          ++made;
          while (!stop) std::this_thread::yield();
          return 0;
        },
        2, 8);
    while (made < 2) std::this_thread::yield();
  }
  EXPECT_EQ(made, 2);
}

TEST(Prefetcher, ErrorsKeepTheirPlaceInTheOrder) {
  Prefetcher<int64_t> numbers(
      [](int64_t n, const std::atomic<bool>&) {
        if (n == 2) throw DataError("two");
        return n;
      },
      3, 5);
  EXPECT_EQ(numbers.next(), 0);
  EXPECT_EQ(numbers.next(), 1);
  EXPECT_THROW(numbers.next(), DataError);
  EXPECT_THROW(numbers.next(), DataError);
  EXPECT_GE(numbers.seconds_waited(), 0.0);
}

}  // namespace
}  // namespace lodestone
