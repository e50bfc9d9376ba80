#include "sampler/samplers/row_sampler.h"

#include <set>

#include <gtest/gtest.h>

#include "common/error.h"
#include "sampler/texts/text_source.h"
#include "support/texts.h"

namespace lodestone {
using namespace sampler;
namespace {

std::shared_ptr<const Dataset> pairs(const testing::TextFolder& folder, int rows, int every) {
  std::string content;  // each `every`-th row has the answer "again"
  for (int r = 0; r < rows; ++r)
    content += "q" + std::to_string(r) + "\t" + (r % every == 0 ? "again" : "a" + std::to_string(r)) + "\n";
  TextSource source;
  source.path = folder.write("pairs.tsv", content);
  source.layout.format = TextFormat::kPairs;
  return open_texts(source).texts;
}

TEST(RowSampler, RowsStayTogetherAndComeOnceAnEpoch) {
  testing::TextFolder folder;
  const auto texts = pairs(folder, 24, 100);
  const RowSampler sampler(texts, 2, 8, 3);
  ASSERT_EQ(sampler.batches_per_epoch(), 6);
  std::set<int64_t> seen;
  for (int64_t p = 0; p < 6; ++p) {
    const GlobalBatch batch = sampler.batch({1, p});
    ASSERT_EQ(batch.rows(), 8);
    for (size_t r = 0; r < 8; r += 2) {
      EXPECT_EQ(batch.samples[r] % 2, 0);
      EXPECT_EQ(batch.samples[r + 1], batch.samples[r] + 1);
      EXPECT_EQ(batch.labels[r], batch.labels[r + 1]);
      seen.insert(batch.samples[r]);
    }
  }
  EXPECT_EQ(seen.size(), 24u);
  EXPECT_NE(sampler.batch({0, 0}).samples, sampler.batch({1, 0}).samples);
  EXPECT_EQ(sampler.batch({5, 2}).samples, RowSampler(texts, 2, 8, 3).batch({5, 2}).samples);
}

TEST(RowSampler, ATextIsOnceInABatchWhereThatCanBe) {
  testing::TextFolder folder;
  const auto texts = pairs(folder, 64, 8);  // 8 rows share an answer, and there are 16 batches
  const RowSampler sampler(texts, 2, 8, 7);
  for (int64_t epoch = 0; epoch < 20; ++epoch)
    for (int64_t p = 0; p < sampler.batches_per_epoch() - 8; ++p) {
      std::set<uint64_t> ids;
      const GlobalBatch batch = sampler.batch({epoch, p});
      for (const int64_t i : batch.samples) ids.insert(texts->id(i));
      EXPECT_EQ(ids.size(), 8u);
    }
}

TEST(RowSampler, RowsThatAllShareATextStillShareBatches) {
  testing::TextFolder folder;
  const RowSampler sampler(pairs(folder, 40, 1), 2, 8, 7);
  std::set<int64_t> seen;
  for (int64_t p = 0; p < 10; ++p)
    for (const int64_t i : sampler.batch({0, p}).samples) seen.insert(i);
  EXPECT_EQ(seen.size(), 80u);
}

TEST(RowSampler, RefusesWhatDoesNotFit) {
  testing::TextFolder folder;
  const auto texts = pairs(folder, 3, 100);
  EXPECT_THROW(RowSampler(texts, 2, 7, 0), ConfigError);
  EXPECT_THROW(RowSampler(texts, 2, 0, 0), ConfigError);
  EXPECT_THROW(RowSampler(texts, 2, 8, 0), DataError);
}

}  // namespace
}  // namespace lodestone
