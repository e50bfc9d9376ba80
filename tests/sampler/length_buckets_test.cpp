#include "sampler/samplers/length_buckets.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "common/error.h"
#include "sampler/samplers/hard_class_sampler.h"
#include "sampler/samplers/pk_sampler.h"
#include "sampler/samplers/row_sampler.h"
#include "sampler/samplers/tuple_sampler.h"
#include "sampler/texts/text_source.h"
#include "support/texts.h"

namespace lodestone {
using namespace sampler;
namespace {

TextSet open(const testing::TextFolder& folder, TextFormat format, int rows) {
  std::string content;
  for (int r = 0; r < rows; ++r) {
    const std::string text = std::to_string(r) + std::string(static_cast<size_t>(r * 37 % 101), 'x');
    content += text + (format == TextFormat::kLabels ? "\tc" + std::to_string(r % 20) : "\ta" + text) +
               (format == TextFormat::kTriplets ? "\tn" + text : "") + "\n";
  }
  TextSource source;
  source.path = folder.write(name_of(format) + ".tsv", content);
  source.layout.format = format;
  return open_texts(source);
}

LengthBuckets buckets(const TextSet& set, std::shared_ptr<const IndexSampler> inner, int64_t unit,
                      int64_t window) {
  return {std::move(inner), set.texts, [texts = set.texts](int64_t i) { return texts->bytes(i); }, unit,
          window,           5};
}

/// What a rank would compute: rows times the longest text of the batch.
int64_t padded(const TextSet& set, const IndexSampler& sampler) {
  int64_t cells = 0;
  for (int64_t p = 0; p < sampler.batches_per_epoch(); ++p) {
    int64_t longest = 0;
    const GlobalBatch batch = sampler.batch({0, p});
    for (const int64_t i : batch.samples) longest = std::max(longest, set.texts->bytes(i));
    cells += longest * batch.rows();
  }
  return cells;
}

std::multiset<int64_t> samples_of(const IndexSampler& sampler, int64_t epoch) {
  std::multiset<int64_t> samples;
  for (int64_t p = 0; p < sampler.batches_per_epoch(); ++p)
    for (const int64_t i : sampler.batch({epoch, p}).samples) samples.insert(i);
  return samples;
}

TEST(LengthBuckets, KeepTheRowsOfAnEpochAndPadLess) {
  testing::TextFolder folder;
  const TextSet set = open(folder, TextFormat::kPairs, 320);
  const auto inner = std::make_shared<RowSampler>(set.texts, 2, 16, 3);
  const LengthBuckets sampler = buckets(set, inner, 2, 10);
  ASSERT_EQ(sampler.batches_per_epoch(), 40);
  EXPECT_EQ(samples_of(sampler, 1), samples_of(*inner, 1));
  EXPECT_LT(padded(set, sampler), 0.7 * static_cast<double>(padded(set, *inner)));
  for (int64_t p = 0; p < 40; ++p) {
    const GlobalBatch batch = sampler.batch({1, p});
    EXPECT_EQ(batch.cursor, (Cursor{1, p}));
    for (size_t r = 0; r < 16; r += 2) EXPECT_EQ(batch.samples[r] + 1, batch.samples[r + 1]);
  }
}

TEST(LengthBuckets, AreAFunctionOfSeedEpochAndPosition) {
  testing::TextFolder folder;
  const TextSet set = open(folder, TextFormat::kPairs, 320);
  const auto inner = std::make_shared<RowSampler>(set.texts, 2, 16, 3);
  const LengthBuckets sampler = buckets(set, inner, 2, 7), again = buckets(set, inner, 2, 7);
  const GlobalBatch late = again.batch({2, 39});  // without those before it
  for (int64_t p = 0; p < 40; ++p) sampler.batch({2, p});
  EXPECT_EQ(sampler.batch({2, 39}).samples, late.samples);
  EXPECT_NE(sampler.batch({3, 39}).samples, late.samples);
}

TEST(LengthBuckets, AClassStaysOnceInABatchWhereItCan) {
  testing::TextFolder folder;
  const TextSet set = open(folder, TextFormat::kLabels, 400);
  const auto inner = std::make_shared<PkSampler>(set.texts, PkConfig{4, false}, 16, 3);
  const LengthBuckets sampler = buckets(set, inner, 4, 5);
  EXPECT_EQ(samples_of(sampler, 0), samples_of(*inner, 0));
  int64_t repeated = 0;
  for (int64_t p = 0; p < sampler.batches_per_epoch(); ++p) {
    const GlobalBatch batch = sampler.batch({0, p});
    const std::set<int64_t> labels(batch.labels.begin(), batch.labels.end());
    repeated += labels.size() < 4 ? 1 : 0;
    for (size_t r = 0; r < 16; ++r) EXPECT_EQ(batch.labels[r], batch.labels[r / 4 * 4]);
  }
  EXPECT_LE(repeated, 1);
}

TEST(LengthBuckets, TuplesGoWithTheirTexts) {
  testing::TextFolder folder;
  const TextSet set = open(folder, TextFormat::kTriplets, 60);
  const auto inner = std::make_shared<TupleSampler>(set.texts, set.tuples, 12, 3);
  const LengthBuckets sampler = buckets(set, inner, 3, 4);
  for (int64_t p = 0; p < sampler.batches_per_epoch(); ++p) {
    const GlobalBatch batch = sampler.batch({0, p});
    ASSERT_EQ(batch.tuples.size(), 4u);
    for (const Tuple& tuple : batch.tuples) {
      const int64_t anchor = batch.samples[static_cast<size_t>(tuple.anchor)];
      EXPECT_EQ(anchor % 3, 0);
      EXPECT_EQ(batch.samples[static_cast<size_t>(tuple.other)], anchor + 1);
      EXPECT_EQ(batch.samples[static_cast<size_t>(tuple.negative)], anchor + 2);
    }
  }
}

TEST(LengthBuckets, RefuseASamplerThatLearns) {
  testing::TextFolder folder;
  const TextSet set = open(folder, TextFormat::kLabels, 400);
  const auto inner =
      std::make_shared<HardClassSampler>(set.texts, PkConfig{4, false}, HardClassConfig{}, 16, 3);
  EXPECT_THROW(buckets(set, inner, 4, 5), ConfigError);
}

TEST(LengthBuckets, RefuseABrokenUnit) {
  testing::TextFolder folder;
  const TextSet set = open(folder, TextFormat::kPairs, 20);
  const auto inner = std::make_shared<RowSampler>(set.texts, 2, 16, 3);
  EXPECT_THROW(buckets(set, inner, 3, 4), ConfigError);
  EXPECT_THROW(buckets(set, inner, 2, 0), ConfigError);
}

}  // namespace
}  // namespace lodestone
