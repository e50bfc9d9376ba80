#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/files.h"
#include "tests/coordinator/snapshots.h"
#include "trainer/coordinator/metrics/metrics_log.h"

// Disks that are full, small or read-only: what is there stays loadable and nothing half-written stays
// behind.
namespace lodestone {
using namespace coordinator;
namespace {

namespace fs = std::filesystem;
using testing::expect_same;
using testing::info_for;
using testing::names_in;
using testing::small_snapshot;

Snapshot big_snapshot() {
  Snapshot snapshot = small_snapshot(2);
  snapshot.tensors["optimizer"]["big"] = at::full({1 << 19}, 1.0, at::kFloat);  // 2 MiB
  return snapshot;
}

void expect_only_first(const fs::path& root) {
  EXPECT_THAT(names_in(root), ::testing::ElementsAre("latest", "step-00000001"));
  expect_same(load_checkpoint(root).snapshot, small_snapshot(1));
}

std::string save_error(const fs::path& root, const Snapshot& snapshot) {
  try {
    save_checkpoint(root, snapshot, info_for(2));
  } catch (const IoError& error) {
    return error.what();
  }
  return "saved";
}

// A file system of one megabyte in a mount name space of this process, so that it can't outlive the test.
class SmallDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    // A name space of one's own needs root, or a user name space where the kernel grants those.
    if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
      GTEST_SKIP() << "no permission to mount: " << std::strerror(errno);
    ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    if (::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=1m") != 0)
      GTEST_SKIP() << "no permission to mount: " << std::strerror(errno);
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }

  // Takes all space that is left.
  void fill() const {
    const int fd = ::open((folder_.path() / "filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    const std::string block(4096, 'x');
    while (::write(fd, block.data(), block.size()) > 0) {
    }
    ::close(fd);
  }

  TempFolder folder_;
  bool mounted_ = false;
};

TEST_F(SmallDisk, FullWhileSaving) {
  const fs::path root = folder_.path() / "checkpoints";
  save_checkpoint(root, small_snapshot(1), info_for(1));
  EXPECT_THAT(save_error(root, big_snapshot()), ::testing::HasSubstr("free space"));
  expect_only_first(root);
  fill();
  EXPECT_THAT(save_error(root, small_snapshot(2)), ::testing::HasSubstr("No space left"));
  expect_only_first(root);
  fs::remove(folder_.path() / "filler");
  EXPECT_EQ(save_error(root, small_snapshot(2)), "saved");
  EXPECT_EQ(load_checkpoint(root).step, 2);
}

TEST_F(SmallDisk, ReadOnlyWhileSaving) {
  const fs::path root = folder_.path() / "checkpoints";
  save_checkpoint(root, small_snapshot(1), info_for(1));
  ASSERT_EQ(::mount(nullptr, folder_.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_THAT(save_error(root, small_snapshot(2)), ::testing::HasSubstr("permissions"));
  EXPECT_EQ(load_checkpoint(root).step, 1);
  EXPECT_THROW(MetricsLog(folder_.path() / "metrics.jsonl", {}, {}), IoError);
}

TEST_F(SmallDisk, MetricsGoOnWithoutTheLinesThatDidNotFit) {
  std::vector<std::string> warnings;
  const fs::path path = folder_.path() / "metrics.jsonl";
  MetricsLog log(path, std::nullopt, [&](const std::string& text) { warnings.push_back(text); });
  EXPECT_TRUE(log.event(1, "before"));
  fill();
  const nlohmann::json long_text = {{"text", std::string(5000, 'y')}};
  EXPECT_FALSE(log.event(2, "lost", long_text));
  EXPECT_FALSE(log.event(3, "lost", long_text));
  EXPECT_EQ(log.lost_lines(), 2);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], ::testing::HasSubstr("metrics.jsonl"));
  fs::remove(folder_.path() / "filler");
  EXPECT_TRUE(log.event(4, "after"));
  const auto lines = read_metrics(path);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1].at("step"), 4);
}

TEST(Disk, BelowARegularFile) {
  const TempFolder folder;
  std::ofstream(folder.path() / "file") << "x";
  EXPECT_THAT(save_error(folder.path() / "file" / "checkpoints", small_snapshot(1)),
              ::testing::HasSubstr("Not a directory"));
}

// Lowers the largest size a file may have, for as long as it lives: writes fail with EFBIG, for root as well.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit lowered{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &lowered);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST(Disk, FailureOfAnyWriteLeavesTheOldCheckpoint) {
  const TempFolder root;
  save_checkpoint(root.path(), small_snapshot(1), info_for(1));
  int failed = 0;
  bool saved = false;
  for (rlim_t limit = 0; limit < 8192 && !saved && !::testing::Test::HasFailure(); limit += 16) {
    std::string error;
    {
      const FileSizeLimit lowered(limit);
      error = save_error(root.path(), small_snapshot(2));
    }
    saved = error == "saved";
    if (saved) break;
    ++failed;
    EXPECT_THAT(error, ::testing::HasSubstr("File too large"));
    expect_only_first(root.path());
  }
  EXPECT_TRUE(saved);
  EXPECT_GT(failed, 20);
  EXPECT_EQ(load_checkpoint(root.path()).step, 2);
}

}  // namespace
}  // namespace lodestone
