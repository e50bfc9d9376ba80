#include "sampler/bad_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/yaml.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

using ::testing::HasSubstr;
using testing::SyntheticImages;

std::shared_ptr<const ImageDataset> with_bad(std::set<int64_t> bad) {
  return std::make_shared<SyntheticImages>(4, 10, std::vector<int64_t>{}, std::move(bad));
}

/// Bad records met while reading images.
struct Reader {
  Reader(std::shared_ptr<const ImageDataset> images_, const BadRecordConfig& config, uint64_t seed)
      : images(images_), records(images_, config, seed) {}
  int64_t fetch(int64_t index, int64_t epoch) {
    return records.fetch(index, epoch, [this](int64_t i) { image = images->get(i); });
  }
  int64_t count() const { return records.count(); }
  std::vector<std::string> messages() {
    std::vector<std::string> all;
    for (const BadRecord& record : records.take()) all.push_back(record.message);
    return all;
  }

  std::shared_ptr<const ImageDataset> images;
  BadRecords records;
  Image image;  ///< the last one read
};

TEST(BadRecords, FailLetsTheErrorThrough) {
  Reader records(with_bad({3}), {}, 1);
  EXPECT_EQ(records.fetch(2, 0), 2);
  EXPECT_THROW(records.fetch(3, 0), DataError);
}

TEST(BadRecords, SkipPutsASampleOfTheSameClassInItsPlace) {
  Reader records(with_bad({3, 4, 25}), {OnBadRecord::kSkip, 0.1}, 1);
  Reader elsewhere(with_bad({3, 4, 25}), {OnBadRecord::kSkip, 0.1}, 1);
  elsewhere.fetch(25, 0);
  std::set<int64_t> stand_ins;
  for (int64_t epoch = 0; epoch < 30; ++epoch) {
    const int64_t fetched = records.fetch(3, epoch);
    EXPECT_EQ(fetched / 10, 0);
    EXPECT_NE(fetched, 3);
    EXPECT_NE(fetched, 4);
    EXPECT_EQ(records.image.pixels, testing::drawn_image(0, fetched).pixels);
    EXPECT_EQ(elsewhere.fetch(3, epoch), fetched);  // whatever was read before
    stand_ins.insert(fetched);
  }
  EXPECT_GT(stand_ins.size(), 3u);
  EXPECT_THAT(records.messages().at(0), HasSubstr("synthetic/3"));
}

TEST(BadRecords, CountsEachOnceAndStopsAtTheLimit) {
  Reader records(with_bad({0, 1, 12, 23}), {OnBadRecord::kSkip, 0.05}, 1);  // 2 of 40
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

TEST(BadRecords, AllOfAnUnreadableClassGetStandInsOfOneOther) {
  std::set<int64_t> others;
  for (int64_t epoch = 0; epoch < 20; ++epoch) {
    Reader records(with_bad({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), {OnBadRecord::kSkip, 1.0}, 1);
    std::set<int64_t> classes;
    for (int64_t i = 0; i < 10; ++i) {
      // Another rank, which has met none of the others.
      Reader alone(with_bad({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), {OnBadRecord::kSkip, 1.0}, 1);
      const int64_t stand_in = records.fetch(i, epoch);
      EXPECT_EQ(alone.fetch(i, epoch), stand_in);
      classes.insert(stand_in / 10);
    }
    ASSERT_EQ(classes.size(), 1U);
    EXPECT_NE(*classes.begin(), 0);
    others.insert(*classes.begin());
  }
  EXPECT_EQ(others, (std::set<int64_t>{1, 2, 3}));
}

TEST(BadRecords, AClassOfOneImageToo) {
  Reader singles(std::make_shared<SyntheticImages>(3, 1, std::vector<int64_t>{}, std::set<int64_t>{1}),
                 {OnBadRecord::kSkip, 1.0}, 1);
  EXPECT_NE(singles.fetch(1, 0), 1);
  EXPECT_EQ(singles.fetch(1, 0), singles.fetch(1, 0));
  Reader nothing(std::make_shared<SyntheticImages>(3, 1, std::vector<int64_t>{}, std::set<int64_t>{0, 1, 2}),
                 {OnBadRecord::kSkip, 1.0}, 1);
  EXPECT_THROW(nothing.fetch(1, 0), DataError);
}

TEST(BadRecords, AreHandedOutOnceAndOnlyTheFirstWithTheirMessages) {
  std::set<int64_t> bad;
  for (int64_t i = 0; i < 30; ++i) bad.insert(i);
  Reader records(with_bad(bad), {OnBadRecord::kSkip, 1.0}, 1);
  for (int64_t i = 0; i < 30; ++i)
    EXPECT_FALSE(records.records.try_read(i, [&](int64_t s) { records.images->get(s); }));
  const auto all = records.records.take();
  ASSERT_EQ(all.size(), 30U);
  EXPECT_THAT(all[19].message, HasSubstr("synthetic/19"));
  EXPECT_EQ(all[20].message, "");
  EXPECT_TRUE(records.records.take().empty());
  EXPECT_EQ(records.count(), 30);
}

TEST(BadRecords, UnknownPolicyIsAConfigError) {
  BadRecordConfig config;
  const auto read = [&](const std::string& yaml) {
    read_fields(parse_yaml(yaml, "run.yaml"), [&](Fields& f) { config.visit(f); });
  };
  EXPECT_THROW(read("on_bad_record: ignore"), ConfigError);
  read("on_bad_record: skip");
  EXPECT_TRUE(config.skips());
}

}  // namespace
}  // namespace lodestone
