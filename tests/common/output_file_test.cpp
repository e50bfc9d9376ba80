#include "common/output_file.h"

#include <string>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/files.h"
#include "support/texts.h"

namespace lodestone::testing {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;
using std::chrono::milliseconds;

TEST(OutputFile, ALinkStaysAndTheFileBehindItIsReplaced) {
  const TempFolder folder;
  const fs::path real = folder.path() / "real", link = folder.path() / "link", far = folder.path() / "far";
  fs::create_symlink("real", link);  // relative to its own folder
  fs::create_symlink(link, far);
  write_output(far, "made by the link");
  EXPECT_EQ(read_file(real), "made by the link");
  write_output(far, "and again");
  EXPECT_EQ(read_file(real), "and again");
  EXPECT_TRUE(fs::is_symlink(link) && fs::is_symlink(far));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 3);
  write_output(folder.path() / "none", "no link");
  EXPECT_EQ(read_file(folder.path() / "none"), "no link");
}

TEST(OutputFile, LinksThatFormACircleAreAnError) {
  const TempFolder folder;
  fs::create_symlink("b", folder.path() / "a");
  fs::create_symlink("a", folder.path() / "b");
  EXPECT_THAT(message_of<IoError>([&] { write_output(folder.path() / "a", "x"); }), HasSubstr("a circle"));
}

// As /dev/stdout is one whose output is redirected: what was printed before, and is printed later, stays.
TEST(OutputFile, ADescriptorOfTheProcessIsWrittenToAtItsPlace) {
  const TempFolder folder;
  const fs::path file = folder.path() / "file", link = folder.path() / "link";
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT, 0600);
  fs::create_symlink("/proc/self/fd/" + std::to_string(fd), link);
  ASSERT_EQ(::write(fd, "before ", 7), 7);
  write_output(link, "told ");
  write_output("/dev/fd/" + std::to_string(fd), "twice ");
  ASSERT_EQ(::write(fd, "after", 5), 5);
  ::close(fd);
  EXPECT_EQ(read_file(file), "before told twice after");
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_THROW(write_output(link, "closed"), IoError);
  const int reading = ::open(file.c_str(), O_RDONLY);
  EXPECT_THROW(write_output("/proc/self/fd/" + std::to_string(reading), "x"), IoError);
  ::close(reading);
  EXPECT_EQ(read_file(file), "before told twice after");
}

TEST(OutputFile, AFifoIsWaitedForAndNotForever) {
  const TempFolder folder;
  const fs::path fifo = folder.path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(message_of<IoError>([&] { write_output(fifo, "x", milliseconds(20)); }), HasSubstr("a reader"));
  std::thread writer([&] { write_output(fifo, "told", std::chrono::seconds(60)); });
  const int reader = ::open(fifo.c_str(), O_RDONLY);
  char back[8] = {};
  EXPECT_EQ(::read(reader, back, sizeof back), 4);
  EXPECT_STREQ(back, "told");
  ::close(reader);
  writer.join();
  EXPECT_TRUE(fs::is_fifo(fifo));
}

}  // namespace
}  // namespace lodestone::testing
