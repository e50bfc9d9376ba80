// Hostfiles that are large, odd or unkind; what mpirun reads is in supervisor_test.cpp.
#include "trainer/coordinator/faults/host_list.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "support/growth.h"

namespace lodestone {
using namespace coordinator;
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Hostfile : public ::testing::Test {
 protected:
  std::vector<Host> read(const std::string& text) const {
    std::ofstream(folder_.path() / "hosts", std::ios::binary) << text;
    return read_hostfile(folder_.path() / "hosts");
  }
  std::string refusal(const std::string& text) const {
    try {
      read(text);
      return "accepted";
    } catch (const ConfigError& error) {
      return error.what();
    }
  }
  const TempFolder folder_;
};

TEST_F(Hostfile, NamesAreNoOptionsToSsh) {
  for (const char* line : {"-V", "-oProxyCommand", "-l@node", "node user_name=-oProxyCommand", "@node",
                           "me\x01@node", "node username=a@b"})
    EXPECT_THAT(refusal(std::string("node0\n") + line + "\n"),
                AllOf(HasSubstr("hosts:2: "), HasSubstr("name of letters")))
        << line;
  EXPECT_EQ(hostfile_text(read("my.user_1-x@node-1 slots=2\n")), "my.user_1-x@node-1 slots=2\n");
}

TEST_F(Hostfile, SlotsAreCountedOnlyAsFarAsAnybodyHasThem) {
  EXPECT_EQ(slots_of(read("a slots=1048575\nb\n")), std::nullopt);
  EXPECT_EQ(slots_of(read("a slots=1048575\nb slots=1\n")), 1048576);
  EXPECT_THAT(refusal("a slots=2147483647\n"), HasSubstr("at most 1048576"));
  EXPECT_THAT(refusal("a slots=1048576\nb slots=1\n"),
              HasSubstr("hosts:2: expected at most 1048576 slots in all lines"));
  EXPECT_THAT(refusal("a slots=1048576\na slots=1\n"), HasSubstr("in all lines"));
  EXPECT_THAT(refusal("a max_slots=1000000\na max_slots=1000000\n"), HasSubstr("in all lines"));
}

TEST_F(Hostfile, TakesTwiceAsLongForTwiceAsMuch) {
  const auto try_to_read = [&](const std::string& text) { refusal(text); };
  // Up to the megabyte that is read at all.
  testing::expect_linear(
      [](size_t n) {
        std::string text;
        for (size_t i = 0; i < n; ++i) text += "h" + std::to_string(i) + "\n";
        return text;
      },
      try_to_read, 500, 1 << 17);
  for (const char* piece : {"localhost\n", "/**/", "#\n", "a ", "=", "a slots=1 ", "/", "a/*\n*/\n"}) {
    SCOPED_TRACE(piece);
    testing::expect_linear(
        [&](size_t n) {
          std::string text;
          for (size_t i = 0; i < n; ++i) text += piece;
          return text;
        },
        try_to_read, 500, 1 << 16);
  }
}

}  // namespace
}  // namespace lodestone
