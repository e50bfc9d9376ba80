#include "common/files.h"

#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lodestone {
namespace {

namespace fs = std::filesystem;

TEST(Files, AtomicWriteReplacesAndLeavesNothingBeside) {
  const TempFolder folder;
  const fs::path path = folder.path() / "a.txt";
  write_file_atomic(path, "one");
  write_file_atomic(path, "two, longer");
  EXPECT_EQ(read_file(path), "two, longer");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(Files, APipeOrADeviceIsWrittenToAndNotReplaced) {
  const TempFolder folder;
  const fs::path pipe = folder.path() / "pipe", full = folder.path() / "full";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  write_file_atomic(pipe, "told");
  char back[8] = {};
  EXPECT_EQ(::read(reader, back, sizeof back), 4);
  EXPECT_STREQ(back, "told");
  ::close(reader);
  EXPECT_TRUE(fs::is_fifo(pipe));
  fs::create_symlink("/dev/full", full);  // by a link, so that the device stays whatever becomes of it
  EXPECT_THROW(write_file_atomic(full, "told"), IoError);
  EXPECT_TRUE(fs::is_symlink(full));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 2);
}

TEST(Files, AFailedWriteKeepsTheOldContentAndNamesThePath) {
  const TempFolder folder;
  write_file_atomic(folder.path() / "file", "old");
  try {
    write_file_atomic(folder.path() / "file" / "below", "new");
    FAIL() << "a path below a regular file was written";
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find("file/below: "), std::string::npos) << error.what();
  }
  try {
    write_file_atomic(folder.path() / "none" / "new", "new");
    FAIL() << "a file in a folder that is not there was written";
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find("none/new: "), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("make its folder first"), std::string::npos) << error.what();
  }
  EXPECT_EQ(read_file(folder.path() / "file"), "old");
}

TEST(Files, ReadRefusesFoldersLargeFilesAndMissingOnes) {
  const TempFolder folder;
  write_file_atomic(folder.path() / "ten", "0123456789");
  EXPECT_THROW(read_file(folder.path()), IoError);
  EXPECT_THROW(read_file(folder.path() / "ten", 9), IoError);
  EXPECT_THROW(read_file(folder.path() / "absent"), IoError);
  EXPECT_EQ(read_file(folder.path() / "ten", 10), "0123456789");
}

TEST(Files, ChecksumSeesEveryBit) {
  // XXH3-128 of nothing, from the algorithm's reference vectors.
  EXPECT_EQ(checksum(""), "99aa06d3014798d86001c324468d497f");
  std::string bytes = "some bytes";
  const std::string before = checksum(bytes);
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_NE(checksum(bytes), before) << bit;
    bytes[bit / 8] ^= static_cast<char>(1 << bit % 8);
  }
}

}  // namespace
}  // namespace lodestone
