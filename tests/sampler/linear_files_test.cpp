// As linear_time_test.cpp, of files that are not texts: numbers, compressed files, shards and what is kept of
// them.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "common/error.h"
#include "common/files.h"
#include "sampler/files/gunzip.h"
#include "sampler/files/path_patterns.h"
#include "sampler/sources/idx.h"
#include "sampler/sources/image_source.h"
#include "sampler/sources/shard_index_cache.h"
#include "sampler/texts/image_text_shards.h"
#include "support/growth.h"
#include "support/images.h"

namespace lodestone {
using namespace sampler;
namespace {

using testing::expect_linear;
using testing::write_bytes;

std::string little(uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string big(uint32_t value) {
  const std::string text = little(value, 4);
  return {text.rbegin(), text.rend()};
}

// A gzip member of an x behind so many empty blocks.
std::string gzip_of_blocks(size_t blocks) {
  std::string text("\x1f\x8b\10\0\0\0\0\0\0\3", 10);
  for (size_t i = 0; i < blocks; ++i) text += std::string("\0\0\0\xff\xff", 5);
  constexpr uint32_t kCrc = 0x8cdc1683;
  return text + std::string("\1\1\0\xfe\xffx", 6) + little(kCrc, 4) + little(1, 4);
}

class LinearFiles : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& bytes) const {
    write_bytes(folder_.path() / name, bytes);
    return folder_.path() / name;
  }
  const TempFolder folder_;
};

TEST_F(LinearFiles, OfIdx) {
  expect_linear(
      [&](size_t n) {
        const auto count = static_cast<uint32_t>(n);
        write(std::to_string(n) + "-labels-idx1-ubyte", big(0x801) + big(count) + std::string(n, '\3'));
        return write(std::to_string(n) + "-images-idx3-ubyte",
                     big(0x803) + big(count) + big(1) + big(1) + std::string(n, 'x'));
      },
      [](const std::string& path) { open_idx(path, {}); }, 1000, 1 << 20);
}

TEST_F(LinearFiles, OfGzip) {
  const auto read = [](const std::string& path) { read_maybe_gzip(path, 1 << 30); };
  expect_linear([&](size_t n) { return write(std::to_string(n) + "b.gz", gzip_of_blocks(n)); }, read, 1000,
                1 << 20);
  expect_linear(
      [&](size_t n) {
        std::string members;
        for (size_t i = 0; i < n; ++i) members += gzip_of_blocks(0);
        return write(std::to_string(n) + "m.gz", members);
      },
      read, 1000, 1 << 18);
}

TEST_F(LinearFiles, OfShards) {
  const auto shard = [&](const std::string& ending, const std::string& content) {
    return [&, ending, content](size_t n) {
      testing::Tar tar;
      for (size_t i = 0; i < n; ++i)
        tar.add(std::to_string(i) + ".png", "x").add(std::to_string(i) + ending, content);
      return write(std::to_string(n) + ending + ".tar", tar.finished());
    };
  };
  const auto index = [](const std::string& path) { index_shard(PositionedFile(path)); };
  expect_linear(shard(".cls", "7"), index, 500, 1 << 14);
  expect_linear(shard(".json", R"({"class":"a","group":"b"})"), index, 500, 1 << 14);
  expect_linear(
      shard(".txt", "a caption"),
      [](const std::string& path) {
        ImageSourceConfig source;
        source.path = path;
        source.index_cache = {IndexCache::Place::kNone};
        open_image_text_shards(source, {OnBadRecord::kFail, 0}, {});
      },
      500, 1 << 14);
}

TEST_F(LinearFiles, OfIndexCaches) {
  const ShardStamp stamp{int64_t{1} << 40, 1, 2};
  expect_linear(
      [&](size_t n) {
        ShardIndex index;
        for (size_t i = 0; i < n; ++i) {
          index.classes.push_back({"class " + std::to_string(i), ""});
          index.add("m" + std::to_string(i), 512 * static_cast<int64_t>(i), 100, static_cast<uint32_t>(i));
          index.left_out.add("files of reason " + std::to_string(i), "it");
        }
        return encode_shard_index(index, stamp);
      },
      [&](const std::string& bytes) { EXPECT_TRUE(decode_shard_index(bytes, stamp)); }, 1000, 1 << 18);
}

TEST_F(LinearFiles, OfEquivalences) {
  std::filesystem::create_directory(folder_.path() / "a");
  write("a/1.png", "x");
  ImageSourceConfig config;
  config.path = folder_.path();
  expect_linear(
      [](size_t n) {
        std::string lines;
        for (size_t i = 0; i < n; ++i) lines += "# a comment\n\r\n";
        return lines + "a\tgroup\n";
      },
      [&](const std::string& lines) {
        write("equivalences.tsv", lines);
        open_image_folder(config, {});
      },
      1000, 1 << 20);
}

TEST_F(LinearFiles, OfBraces) {
  for (const char* piece : {"{}", "{a}", "{", "x", "{a,}", "{0..1}"})
    expect_linear(
        [&](size_t n) {
          std::string pattern;
          for (size_t i = 0; i < n; ++i) pattern += piece;
          return pattern;
        },
        [](const std::string& pattern) {
          try {
            expand_braces(pattern);
          } catch (const ConfigError&) {  // more names than there may be
          }
        },
        1000, 1 << 20);
}

TEST(Braces, AreBounded) {
  EXPECT_EQ(expand_braces("{9223372036854775806..9223372036854775807}"),
            (std::vector<std::string>{"9223372036854775806", "9223372036854775807"}));
  const std::string zeros(100'000, '0');
  for (const std::string& pattern : {"{" + zeros + "..100000}", "{" + std::string(100'000, ',') + "}",
                                     zeros + "{0..99999}", std::string("{,}{0..999999}")})
    EXPECT_THROW(expand_braces(pattern), ConfigError) << pattern.substr(0, 20);
  std::string many;
  for (int i = 0; i < 200'000; ++i) many += "{}";  // one inside the other they would end the process
  EXPECT_EQ(expand_braces(many), std::vector<std::string>{many});
}

TEST(RelativeNames, OfAbsoluteAndRelativePathsStayApart) {
  EXPECT_EQ(relative_names({"/a/x.tar", "b/x.tar"}), (std::vector<std::string>{"/a/x.tar", "b/x.tar"}));
  EXPECT_EQ(relative_names({"b/x.tar", "/a/x.tar"}), (std::vector<std::string>{"b/x.tar", "/a/x.tar"}));
  EXPECT_EQ(relative_names({"/a/x.tar", "/b/x.tar"}), (std::vector<std::string>{"a/x.tar", "b/x.tar"}));
}

}  // namespace
}  // namespace lodestone
