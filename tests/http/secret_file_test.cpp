// Files of passwords, tokens and keys.
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/error.h"
#include "common/files.h"
#include "trainer/http/http_server.h"

namespace lodestone {
using namespace http;
namespace {

using ::testing::HasSubstr;

class SecretFile : public ::testing::Test {
 protected:
  std::string reported(mode_t mode) const {
    EXPECT_EQ(::chmod(file_.c_str(), mode), 0);
    return exposed_secret(file_, "--token-file");
  }
  void SetUp() override { write_file_synced(file_, "sesame\r\nmore\n"); }
  const TempFolder folder_;
  const std::string file_ = (folder_.path() / "token").string();
};

TEST_F(SecretFile, HasItOnItsFirstLine) {
  EXPECT_EQ(read_secret(file_, "--token-file"), "sesame");
  write_file_synced(file_, "\nsesame\n");
  EXPECT_THROW(read_secret(file_, "--token-file"), ConfigError);
  EXPECT_THROW(read_secret(file_ + ".none", "--token-file"), ConfigError);
  EXPECT_THROW(read_secret(folder_.path().string(), "--token-file"), ConfigError);
  EXPECT_THROW(read_secret("/dev/zero", "--token-file"), ConfigError);
}

// As `--token-file <(command)` gives it.
TEST_F(SecretFile, MayBeAPipe) {
  const std::string pipe = file_ + ".pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << "sesame\n"; });
  EXPECT_EQ(read_secret(pipe, "--token-file"), "sesame");
  writer.join();
}

TEST_F(SecretFile, IsReportedWhereOthersMayReadIt) {
  for (const mode_t mode : {0600, 0400, 0700}) EXPECT_EQ(reported(mode), "") << mode;
  for (const mode_t mode : {0666, 0644, 0604, 0602, 0601}) {
    EXPECT_THAT(reported(mode), HasSubstr("--token-file: expected a file that its owner alone may read"))
        << mode;
    EXPECT_THAT(reported(mode), HasSubstr("everybody on this host; run: chmod 600 '" + file_ + "'")) << mode;
  }
  for (const mode_t mode : {0640, 0620, 0460})
    EXPECT_THAT(reported(mode), HasSubstr("open to its group")) << mode;
}

// A link's own mode is ignored, and something that is no file is reported elsewhere.
TEST_F(SecretFile, CountsAsWhatItsNameLeadsTo) {
  const std::string link = file_ + ".link", pipe = file_ + ".pipe";
  std::filesystem::create_symlink(file_, link);
  reported(0600);
  EXPECT_EQ(exposed_secret(link, "x"), "");
  reported(0644);
  EXPECT_NE(exposed_secret(link, "x"), "");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0666), 0);
  EXPECT_EQ(exposed_secret(pipe, "x"), "");
  EXPECT_EQ(exposed_secret(file_ + ".none", "x"), "");
  EXPECT_EQ(exposed_secret("", "x"), "");
}

}  // namespace
}  // namespace lodestone
