// Files that are something else than they seem, and pipes that nobody writes to: reported, never waited for.
#include "common/open_file.h"

#include <fstream>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/file_lock.h"
#include "common/file_writer.h"
#include "common/files.h"
#include "common/pipe_file.h"
#include "common/yaml.h"
#include "support/texts.h"

namespace lodestone::testing {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;
using std::chrono::milliseconds;

class OpenFile : public ::testing::Test {
 protected:
  fs::path path(const std::string& name) const { return folder_.path() / name; }
  fs::path pipe(const std::string& name) const {
    EXPECT_EQ(::mkfifo(path(name).c_str(), 0600), 0);
    return path(name);
  }
  fs::path socket(const std::string& name) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path(name).string().copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(fd);
    return path(name);
  }
  TempFolder folder_;
};

TEST_F(OpenFile, OpensNothingButRegularFiles) {
  for (const fs::path& odd : {pipe("pipe"), socket("socket"), fs::path("/dev/zero"), folder_.path()})
    for (const int flags : {O_RDONLY, O_WRONLY | O_CREAT, O_RDWR}) {
      EXPECT_THAT(message_of<IoError>([&] { open_regular(odd, flags); }),
                  HasSubstr("expected a regular file"))
          << odd << ' ' << flags;
    }
  const int fd = open_regular(path("new"), O_WRONLY | O_CREAT);
  EXPECT_GE(fd, 0);
  ::close(fd);
  EXPECT_EQ(open_regular(path("none"), O_RDONLY), -1);
  EXPECT_EQ(errno, ENOENT);
}

TEST_F(OpenFile, WhatWritesBesideAFileWaitsForNoPipe) {
  EXPECT_THROW(read_file(pipe("a")), IoError);
  EXPECT_THROW(write_file_synced(path("a"), "x"), IoError);
  EXPECT_THAT(message_of<IoError>([&] { write_file_atomic(path("a"), "x"); }), HasSubstr("a reader"));
  EXPECT_THROW(FileWriter(path("a"), FileWriter::Verification::kAll), IoError);
  pipe("b.lock");
  EXPECT_THROW(FileLock(path("b"), milliseconds(10)), IoError);
}

TEST_F(OpenFile, APipeIsReadWhereShellsMakeThemAndRefusedWhereNobodyWrites) {
  std::ofstream(path("file")) << "in a file";
  EXPECT_EQ(read_file_or_pipe(path("file"), 100), "in a file");
  const fs::path name = pipe("pipe");
  const auto written = [&](const std::string& text, const std::function<void()>& read) {
    std::thread writer([&] { std::ofstream(name) << text; });
    read();
    writer.join();
  };
  written("run_dir: x\n", [&] { EXPECT_NE(read_yaml_file(name)->find("run_dir"), nullptr); });
  written("secret", [&] { EXPECT_EQ(read_file_or_pipe(name, 6), "secret"); });
  written("secret", [&] { EXPECT_THROW(read_file_or_pipe(name, 5), IoError); });
  EXPECT_THAT(message_of<IoError>([&] { read_file_or_pipe(name, 100, milliseconds(20)); }),
              HasSubstr("got nothing for 20 ms"));
  // As a shell's <(command) is at the second read: its writer has ended.
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "seed: 1\n", 8), 8);
  ::close(ends[1]);
  const std::string once = "/dev/fd/" + std::to_string(ends[0]);
  EXPECT_NE(read_yaml_file(once)->find("seed"), nullptr);
  EXPECT_THAT(message_of<IoError>([&] { read_file_or_pipe(once, 100); }), HasSubstr("can be read once"));
  EXPECT_THROW(read_yaml_file(once), ConfigError);
  ::close(ends[0]);
  EXPECT_THROW(read_file_or_pipe("/dev/zero", 100), IoError);
  EXPECT_THROW(read_yaml_file("/dev/zero"), ConfigError);
}

}  // namespace
}  // namespace lodestone::testing
