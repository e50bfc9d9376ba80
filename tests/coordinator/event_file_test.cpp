#include "trainer/coordinator/metrics/event_file.h"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "common/files.h"

namespace lodestone {
using namespace coordinator;
namespace {

using testing::HasSubstr;

// CRC-32C bit by bit, masked as TFRecord's format says: rotated right by 15, plus a constant.
uint32_t masked_crc(const std::string& bytes) {
  uint32_t crc = 0xffffffffU;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? (crc >> 1) ^ 0x82f63b78U : crc >> 1;
  }
  crc ^= 0xffffffffU;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

template <typename T>
T number_at(const std::string& bytes, size_t place) {
  T value;
  std::memcpy(&value, bytes.data() + place, sizeof value);
  return value;
}

std::vector<std::string> records_of(const std::filesystem::path& path) {
  const std::string all = read_file(path);
  std::vector<std::string> records;
  size_t place = 0;
  while (place + 12 <= all.size()) {
    const auto length = number_at<uint64_t>(all, place);
    EXPECT_EQ(number_at<uint32_t>(all, place + 8), masked_crc(all.substr(place, 8)));
    records.push_back(all.substr(place + 12, length));
    EXPECT_EQ(number_at<uint32_t>(all, place + 12 + length), masked_crc(records.back()));
    place += 16 + length;
  }
  EXPECT_EQ(place, all.size());
  return records;
}

TEST(EventFile, ChecksumIsCastagnolis) {
  const uint32_t crc = 0xe3069283U;  // of "123456789", in every table of checksums
  EXPECT_EQ(masked_crc("123456789"), ((crc >> 15) | (crc << 17)) + 0xa282ead8U);
}

TEST(EventFile, HoldsAVersionAndARecordForEachStep) {
  const TempFolder folder;
  EventFile file(folder.path() / "deep" / "tensorboard", {});
  file.add(1, {{"train/loss", 0.5}, {"train/learning_rate", 0.25}});
  file.add(300, {{"train/loss", 0.25}});
  const auto records = records_of(file.path());
  ASSERT_EQ(records.size(), 3U);
  EXPECT_THAT(records[0], HasSubstr("brain.Event:2"));
  EXPECT_THAT(records[1], HasSubstr("\x0a\x0atrain/loss\x15" + std::string("\x00\x00\x00\x3f", 4)));
  EXPECT_THAT(records[1], HasSubstr("train/learning_rate"));
  EXPECT_THAT(records[2], HasSubstr("\x10\xac\x02"));  // step 300 as a varint
}

TEST(EventFile, AFullDiskCostsRecordsNotTheFile) {
  const TempFolder folder;
  std::vector<std::string> warnings;
  EventFile file(folder.path(), [&](const std::string& sentence) { warnings.push_back(sentence); });
  file.add(1, {{"a", 1}});
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit full{std::filesystem::file_size(file.path()) + 10, before.rlim_max};
  const auto former = ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &full);
  file.add(2, {{"a", 2}});
  file.add(3, {{"a", 3}});
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, former);
  file.add(4, {{"a", 4}});
  EXPECT_EQ(records_of(file.path()).size(), 3U);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("TensorBoard"));
}

}  // namespace
}  // namespace lodestone
