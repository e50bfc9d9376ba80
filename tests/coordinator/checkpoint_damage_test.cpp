#include <functional>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "common/files.h"
#include "tests/coordinator/snapshots.h"

namespace lodestone {
using namespace coordinator;
namespace {

namespace fs = std::filesystem;
using testing::expect_same;
using testing::info_for;
using testing::names_in;
using testing::small_snapshot;

// Two checkpoints; the newer one gets damaged.
class CheckpointDamage : public ::testing::Test {
 protected:
  void SetUp() override {
    save_checkpoint(root_.path(), small_snapshot(1), info_for(1));
    newer_ = save_checkpoint(root_.path(), small_snapshot(2), info_for(2)).path;
    whole_ = verify_checkpoint(newer_);
    ASSERT_TRUE(whole_.ok());
  }

  // The tensor that holds this byte, or "".
  std::string tensor_at(const std::string& file, uint64_t byte) const {
    for (const auto& item : whole_.items)
      if (item.file == file && !item.tensor.empty() && byte >= item.offset && byte < item.offset + item.bytes)
        return item.tensor;
    return {};
  }

  void expect_named(const CheckpointReport& report, const std::string& file, const std::string& tensor) {
    ++tried_;
    bool file_named = false;
    bool tensor_named = tensor.empty();
    for (const auto& item : report.items) {
      if (item.ok()) continue;
      file_named |= item.file == file;
      tensor_named |= item.file == file && item.tensor == tensor;
      EXPECT_EQ(item.file, file);
      if (!item.tensor.empty()) {
        EXPECT_EQ(item.tensor, tensor);
      }
    }
    EXPECT_TRUE(file_named) << file << " is damaged, but the report says: " << report.damage();
    EXPECT_TRUE(tensor_named) << tensor << " is damaged, but the report says: " << report.damage();
  }

  void expect_older_is_used(const std::string& file) {
    std::vector<std::string> warnings;
    const Checkpoint loaded =
        load_checkpoint(root_.path(), [&](const std::string& text) { warnings.push_back(text); });
    EXPECT_EQ(loaded.step, 1);
    expect_same(loaded.snapshot, small_snapshot(1));
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_THAT(warnings[0], ::testing::HasSubstr("step-00000002"));
    EXPECT_THAT(warnings[0], ::testing::HasSubstr(file));
    EXPECT_EQ(newest_checkpoint(root_.path())->filename(), "step-00000001");
    EXPECT_THROW(load_checkpoint(newer_), CheckpointError);
  }

  // Calls use(file, bytes) for each file of the newer checkpoint and puts the bytes back afterwards.
  void for_each_file(const std::function<void(const fs::path&, const std::string&)>& use) {
    for (const auto& name : names_in(newer_)) {
      const std::string bytes = read_file(newer_ / name);
      use(newer_ / name, bytes);
      put(newer_ / name, bytes);
    }
    EXPECT_TRUE(verify_checkpoint(newer_).ok());
  }

  static void put(const fs::path& path, const std::string& bytes) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ASSERT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    ::close(fd);
  }

  TempFolder root_;
  fs::path newer_;
  CheckpointReport whole_;
  int tried_ = 0;
};

TEST_F(CheckpointDamage, EveryFlippedBitIsNamed) {
  for_each_file([&](const fs::path& path, const std::string& bytes) {
    const std::string name = path.filename().string();
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    for (size_t i = 0; i < bytes.size() && !HasFailure(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        const char flipped = static_cast<char>(bytes[i] ^ (1 << bit));
        ASSERT_EQ(::pwrite(fd, &flipped, 1, static_cast<off_t>(i)), 1);
        expect_named(verify_checkpoint(newer_), name, tensor_at(name, i));
        if (i % 61 == 0 && bit == 0) expect_older_is_used(name);
      }
      ASSERT_EQ(::pwrite(fd, &bytes[i], 1, static_cast<off_t>(i)), 1);
    }
    ::close(fd);
  });
  RecordProperty("flips", tried_);
  EXPECT_GT(tried_, 10'000);
}

TEST_F(CheckpointDamage, EveryTruncationIsNamed) {
  for_each_file([&](const fs::path& path, const std::string& bytes) {
    for (size_t size = bytes.size(); size-- > 0 && !HasFailure();) {
      fs::resize_file(path, size);
      const auto report = verify_checkpoint(newer_);
      EXPECT_THAT(report.damage(), ::testing::HasSubstr(path.filename().string()));
      if (size % 97 == 0) expect_older_is_used(path.filename().string());
    }
  });
}

TEST_F(CheckpointDamage, GarbageZerosAndExtraBytesAreNamed) {
  for_each_file([&](const fs::path& path, const std::string& bytes) {
    const std::string name = path.filename().string();
    for (const std::string& bad : {bytes + "\n", std::string(bytes.size(), '\0'),
                                   std::string(bytes.rbegin(), bytes.rend()), std::string(1 << 20, '{')}) {
      put(path, bad);
      EXPECT_THAT(verify_checkpoint(newer_).damage(), ::testing::HasSubstr(name));
      expect_older_is_used(name);
    }
  });
}

TEST_F(CheckpointDamage, MissingFilesAndOddKindsAreNamed) {
  for_each_file([&](const fs::path& path, const std::string&) {
    const std::string name = path.filename().string();
    fs::remove(path);
    EXPECT_THAT(verify_checkpoint(newer_).damage(), ::testing::HasSubstr(name));
    expect_older_is_used(name);
    fs::create_directory(path);
    EXPECT_THAT(verify_checkpoint(newer_).damage(), ::testing::HasSubstr(name));
    fs::remove(path);
  });
}

TEST_F(CheckpointDamage, LatestIsNotNeeded) {
  for (const char* text : {"", "step-00000001\n", "step-99999999\n", "../../etc\n"}) {
    put(root_.path() / "latest", text);
    EXPECT_EQ(load_checkpoint(root_.path()).step, 2);
  }
}

// With a checksum of its own a manifest could be forged: it must still not lead out of the folder, or crash.
TEST_F(CheckpointDamage, ForgedManifestsAreRefused) {
  const std::string text = read_file(newer_ / "MANIFEST.json");
  const size_t head = text.find('\n', 2) + 1;
  const auto forge = [&](const std::string& from, const std::string& to) {
    std::string rest = text.substr(head);
    const size_t at = rest.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    rest.replace(at, from.size(), to);
    put(newer_ / "MANIFEST.json", "{\n  \"checksum\": \"" + checksum(rest) + "\",\n" + rest);
    EXPECT_FALSE(verify_checkpoint(newer_).ok()) << to;
    EXPECT_THROW(load_checkpoint(newer_), CheckpointError) << to;
  };
  forge("\"state.json\"", "\"../state.json\"");
  forge("\"state.json\"", "\"\"");
  forge("\"format_version\": 1", "\"format_version\": 2");
  forge("\"step\": 2", "\"step\": \"2\"");
  forge("\"step\": 2", "\"step\": 2, \"step\": 3");
  forge("\"files\": {", "\"files\": [");
  forge("\"world\": 2", "\"people\": 2");
  forge("\"bytes\": ", "\"bytes\": 1");
}

}  // namespace
}  // namespace lodestone
