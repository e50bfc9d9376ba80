#include "sampler/bad_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/images.h"

namespace lodestone {
namespace {

using ::testing::HasSubstr;
using testing::SyntheticImages;

std::shared_ptr<const ImageDataset> with_bad(std::set<int64_t> bad) {
  return std::make_shared<SyntheticImages>(4, 10, std::vector<int64_t>{}, std::move(bad));
}

TEST(BadRecords, FailLetsTheErrorThrough) {
  BadRecords records(with_bad({3}), {}, 1);
  EXPECT_EQ(records.fetch(2, 0).index, 2);
  EXPECT_THROW(records.fetch(3, 0), DataError);
}

TEST(BadRecords, SkipPutsASampleOfTheSameClassInItsPlace) {
  BadRecords records(with_bad({3, 4, 25}), {"skip", 0.1}, 1);
  BadRecords elsewhere(with_bad({3, 4, 25}), {"skip", 0.1}, 1);
  elsewhere.fetch(25, 0);
  std::set<int64_t> stand_ins;
  for (int64_t epoch = 0; epoch < 30; ++epoch) {
    const auto fetched = records.fetch(3, epoch);
    EXPECT_EQ(fetched.index / 10, 0);
    EXPECT_NE(fetched.index, 3);
    EXPECT_NE(fetched.index, 4);
    EXPECT_EQ(fetched.image.pixels, testing::drawn_image(0, fetched.index).pixels);
    EXPECT_EQ(elsewhere.fetch(3, epoch).index, fetched.index);  // whatever was read before
    stand_ins.insert(fetched.index);
  }
  EXPECT_GT(stand_ins.size(), 3u);
  EXPECT_THAT(records.messages().at(0), HasSubstr("synthetic/3"));
}

TEST(BadRecords, CountsEachOnceAndStopsAtTheLimit) {
  BadRecords records(with_bad({0, 1, 12, 23}), {"skip", 0.05}, 1);  // 2 of 40
  records.fetch(12, 0);
  records.fetch(12, 1);
  EXPECT_EQ(records.count(), 1);
  records.fetch(23, 0);
  EXPECT_EQ(records.count(), 2);
  try {
    records.fetch(0, 0);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("at most 2 of 40"));
    EXPECT_THAT(error.what(), HasSubstr("synthetic/12"));
  }
}

TEST(BadRecords, AClassWithoutASoundSampleIsAnError) {
  BadRecords records(with_bad({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), {"skip", 1.0}, 1);
  EXPECT_THROW(records.fetch(0, 0), DataError);
  BadRecords singles(std::make_shared<SyntheticImages>(3, 1, std::vector<int64_t>{}, std::set<int64_t>{1}),
                     {"skip", 1.0}, 1);
  EXPECT_THROW(singles.fetch(1, 0), DataError);
}

TEST(BadRecords, UnknownPolicyIsAConfigError) {
  EXPECT_THROW(BadRecords(with_bad({}), {"ignore", 0.1}, 1), ConfigError);
}

}  // namespace
}  // namespace lodestone
