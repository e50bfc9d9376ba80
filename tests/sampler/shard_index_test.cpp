#include <chrono>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/files.h"
#include "sampler/sources/image_source.h"
#include "sampler/sources/shard_index_cache.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

namespace fs = std::filesystem;
using testing::drawn_image;
using ::testing::HasSubstr;
using testing::png_text;
using testing::Tar;
using testing::write_bytes;

class ShardIndexTest : public ::testing::Test {
 protected:
  // Shards that have just changed are not cached, so these pretend to be older.
  void write_shard(const std::string& bytes, int hours_ago = 5) {
    write_bytes(shard_, bytes);
    fs::last_write_time(shard_, fs::file_time_type::clock::now() - std::chrono::hours(hours_ago));
  }
  std::shared_ptr<const ImageDataset> open(const std::string& cache = "auto") {
    ImageSourceConfig config;
    config.path = shard_.string();
    config.index_cache = IndexCache::named(cache);
    return open_tar_shards(config, {});
  }
  static std::string two(const std::string& first = "a") {
    return Tar().add_sample("1", drawn_image(0, 0), first).add_sample("2", drawn_image(0, 1), "b").finished();
  }
  TempFolder folder_;
  fs::path shard_ = folder_.path() / "data" / "x.tar";
  fs::path cache_ = folder_.path() / "data" / ".x.tar.index";
};

TEST_F(ShardIndexTest, IsKeptBesideTheShardAndReadInItsPlace) {
  write_shard(two());
  const auto built = open();
  ASSERT_TRUE(fs::exists(cache_));
  // The cache alone is asked: another one with the same stamp shows through.
  const PositionedFile file(shard_.string());
  ShardIndex other = index_shard(file);
  other.classes[0].name = "told";
  const std::string sound = read_file(cache_);
  ShardStamp stamp{file.size(), file.changed(), 0};
  std::memcpy(&stamp.head, sound.data() + 24 + 16, 8);
  ASSERT_TRUE(decode_shard_index(sound, stamp));
  write_bytes(cache_, encode_shard_index(other, stamp));
  EXPECT_EQ(open()->class_name(1), "told");
  EXPECT_EQ(open("none")->class_name(0), "a");
  write_bytes(cache_, sound);
  const auto read = open();
  for (int64_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read->key(i), built->key(i));
    EXPECT_EQ(read->id(i), built->id(i));
    EXPECT_EQ(read->label(i), built->label(i));
    EXPECT_EQ(read->get(i).pixels, drawn_image(0, i).pixels);
  }
}

TEST_F(ShardIndexTest, AnyDamageIsNoticedAndTheCacheMadeAgain) {
  write_shard(two());
  open();
  const std::string sound = read_file(cache_);
  for (size_t at = 0; at < sound.size(); at += 3) {
    std::string damaged = sound;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    write_bytes(cache_, damaged);
    ASSERT_EQ(open()->size(), 2) << at;
    ASSERT_EQ(read_file(cache_), sound) << at;
  }
  for (size_t length = 0; length < sound.size(); length += 5) {
    write_bytes(cache_, sound.substr(0, length));
    ASSERT_EQ(open()->size(), 2) << length;
  }
}

TEST_F(ShardIndexTest, WhatCannotBeSoIsNotBelievedEvenWithARightChecksum) {
  write_shard(two());
  const PositionedFile file(shard_.string());
  const ShardIndex sound = index_shard(file);
  const ShardStamp stamp{file.size(), file.changed(), 7};
  const auto believed = [&](auto change) {
    ShardIndex index = sound;
    change(index);
    return decode_shard_index(encode_shard_index(index, stamp), stamp).has_value();
  };
  EXPECT_TRUE(believed([](ShardIndex&) {}));
  EXPECT_FALSE(believed([](ShardIndex& i) { i.block[1] = 1 << 20; }));
  EXPECT_FALSE(believed([](ShardIndex& i) { i.size[0] = 1 << 20; }));
  EXPECT_FALSE(believed([](ShardIndex& i) { i.class_of[1] = 2; }));
  EXPECT_FALSE(believed([](ShardIndex& i) { i.class_of.pop_back(); }));
  EXPECT_FALSE(believed([](ShardIndex& i) { std::swap(i.name_end[0], i.name_end[1]); }));
  EXPECT_FALSE(believed([](ShardIndex& i) { i.names += "more"; }));
  EXPECT_FALSE(
      decode_shard_index(encode_shard_index(sound, stamp), {stamp.bytes, stamp.changed + 1, 7}).has_value());
}

TEST_F(ShardIndexTest, AChangedShardIsIndexedAgain) {
  write_shard(two("a"));
  EXPECT_EQ(open()->class_name(0), "a");
  write_shard(two("A"), 4);  // as long as before
  EXPECT_EQ(open()->class_name(0), "A");
  write_shard(two("c"), 4);
  fs::last_write_time(shard_, fs::file_time_type::clock::now());
  EXPECT_EQ(open()->class_name(1), "c");
}

TEST_F(ShardIndexTest, AShardThatHasJustChangedIsNotCached) {
  write_bytes(shard_, two());
  EXPECT_EQ(open()->size(), 2);
  EXPECT_FALSE(fs::exists(cache_));
}

TEST_F(ShardIndexTest, AFolderOfOnesOwnOrNone) {
  write_shard(two());
  open("none");
  EXPECT_FALSE(fs::exists(cache_));
  const fs::path kept = folder_.path() / "kept";
  open(kept.string());
  EXPECT_FALSE(fs::exists(cache_));
  ASSERT_EQ(std::distance(fs::directory_iterator(kept), {}), 1);
  EXPECT_THAT(fs::directory_iterator(kept)->path().filename().string(), HasSubstr("x.tar-"));
}

TEST_F(ShardIndexTest, WhereTheFolderCannotBeWrittenTheUsersCacheFolderServes) {
  write_shard(two());
  fs::create_directory(cache_);  // in the way, even of root
  write_bytes(cache_ / "full", "");
  ::setenv("LODESTONE_CACHE", (folder_.path() / "user").c_str(), 1);
  EXPECT_EQ(open()->size(), 2);
  const fs::path kept = folder_.path() / "user" / "shard-indexes";
  ASSERT_TRUE(fs::exists(kept));
  EXPECT_EQ(std::distance(fs::directory_iterator(kept), {}), 1);
  EXPECT_EQ(open()->size(), 2);
  write_bytes(folder_.path() / "file", "");
  ::setenv("LODESTONE_CACHE", (folder_.path() / "file").c_str(), 1);
  EXPECT_EQ(open()->size(), 2);  // nowhere to write, and still right
  ::unsetenv("LODESTONE_CACHE");
}

TEST_F(ShardIndexTest, IncompleteKeysAreRememberedToo) {
  write_shard(Tar()
                  .add("lonely.png", png_text(drawn_image(0, 0)))
                  .add_sample("2", drawn_image(0, 1), "b")
                  .finished());
  for (int round = 0; round < 2; ++round) {
    try {
      open();
      FAIL() << "no error";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("lonely.png"));
    }
    EXPECT_TRUE(fs::exists(cache_));
  }
}

TEST_F(ShardIndexTest, WhatWasPassedOverIsRememberedToo) {
  write_shard(Tar()
                  .add("._1.png", "junk")
                  .add("soft.png", "", '2', "1.png")
                  .add_sample("1", drawn_image(0, 1), "b")
                  .add("2.png", "x")
                  .add("2.cls", "")
                  .finished());
  const auto open_skipping = [&] {
    ImageSourceConfig config;
    config.path = shard_.string();
    return open_tar_shards(config, {}, {OnBadRecord::kSkip, 0.5})->left_out().sentences();
  };
  const auto built = open_skipping();
  ASSERT_TRUE(fs::exists(cache_));
  EXPECT_EQ(built.size(), 3U);
  EXPECT_EQ(open_skipping(), built);
  EXPECT_THROW(open(), DataError);  // fail, from the same cache
}

TEST_F(ShardIndexTest, ACacheOfThePreviousVersionIsMadeAgain) {
  write_shard(two());
  open();
  std::string old = read_file(cache_);
  old.replace(old.find("index 3"), 7, "index 2");
  write_bytes(cache_, old);
  EXPECT_EQ(open()->size(), 2);
  EXPECT_THAT(read_file(cache_), HasSubstr("index 3"));
}

TEST_F(ShardIndexTest, TheFirstOfClsJsonAndTxtSaysTheClass) {
  write_shard(Tar()
                  .add("1.png", png_text(drawn_image(0, 0)))
                  .add("1.txt", "a caption\n")
                  .add("1.json", R"({"class": "j"})")
                  .add("1.cls", "c")
                  .add("2.json", R"({"class": "j"})")
                  .add("2.png", png_text(drawn_image(0, 0)))
                  .add("2.txt", "another")
                  .add("3.webp", png_text(drawn_image(0, 0)))
                  .add("3.txt", "t\n")
                  .finished());
  const auto set = open();
  ASSERT_EQ(set->size(), 3);
  for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(set->class_name(set->label(i)), std::string(1, "cjt"[i]));
}

}  // namespace
}  // namespace lodestone
