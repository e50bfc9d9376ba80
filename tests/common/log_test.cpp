#include "common/log.h"

#include <cstdlib>
#include <functional>
#include <iostream>
#include <regex>

#include <c10/util/Exception.h>
#include <c10/util/Logging.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/causes.h"
#include "common/error.h"
#include "common/foreign_line.h"
#include "common/line_splitter.h"
#include "common/log_format.h"
#include "common/printable.h"
#include "common/stderr_lines.h"
#include "support/growth.h"

namespace lodestone {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// The variables as a test wants them, and as they were afterwards.
class Variables : public ::testing::Test {
 protected:
  Variables() {
    ::unsetenv("LODESTONE_LOG_FORMAT");
    ::unsetenv("LODESTONE_LOG");
  }
  ~Variables() override {
    ::unsetenv("LODESTONE_LOG_FORMAT");
    ::unsetenv("LODESTONE_LOG");
  }
  static std::string said(const std::function<void()>& act) {
    ::testing::internal::CaptureStderr();
    act();
    return ::testing::internal::GetCapturedStderr();
  }
  static nlohmann::json line_of(const std::string& text) {
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    return nlohmann::json::parse(text);
  }
};

using LogLines = Variables;
using Stderr = Variables;

const char* const kTime = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d)";

TEST_F(LogLines, HaveADateAndTheZonesOffset) {
  const std::string text = said([] { make_log(3, 4)->warn("slow"); });
  EXPECT_TRUE(std::regex_match(text, std::regex(std::string(kTime) + R"( warning \[rank 3\] slow\n)")))
      << text;
  EXPECT_TRUE(is_log_line(text));
}

TEST_F(LogLines, AreObjectsInJson) {
  ::setenv("LODESTONE_LOG_FORMAT", "json", 1);
  const std::string text = said([] { make_log(2, 4)->error("no \"room\" left"); });
  const auto line = line_of(text);
  EXPECT_TRUE(std::regex_match(line["time"].get<std::string>(), std::regex(kTime))) << line;
  EXPECT_EQ(line["level"], "error");
  EXPECT_EQ(line["rank"], 2);
  EXPECT_EQ(line["message"], "no \"room\" left");
  EXPECT_FALSE(line.contains("step"));
  EXPECT_TRUE(is_log_line(text));
}

TEST_F(LogLines, BearTheStepOnceItIsKnownAndNoRankWhereThereIsNone) {
  ::setenv("LODESTONE_LOG_FORMAT", "json", 1);
  EXPECT_EQ(line_of(said([] {
              const Log log = make_log(0, 1);
              set_log_step(*log, 120);
              log->info("saved");
            }))["step"],
            120);
  EXPECT_FALSE(line_of(said([] { make_log(-1, 1)->info("starting"); })).contains("rank"));
}

TEST_F(LogLines, TheConfigurationCountsUnlessTheVariableIsSet) {
  choose_log_format(LogFormat::kJson);
  EXPECT_EQ(log_format(), LogFormat::kJson);
  choose_log_format(LogFormat::kText);
  EXPECT_EQ(log_format(), LogFormat::kJson) << "the first to say so counts";
}

TEST_F(LogLines, WrongVariablesAreReported) {
  EXPECT_NO_THROW(check_log_variables());
  for (const char* name : {"LODESTONE_LOG_FORMAT", "LODESTONE_LOG"}) {
    ::setenv(name, "loud", 1);
    EXPECT_THROW(check_log_variables(), ConfigError) << name;
    ::unsetenv(name);
  }
}

// Names of files, classes and hosts hold what their makers like.
TEST_F(LogLines, NothingInAMessageBeginsALineOrReachesTheTerminal) {
  const std::string names[] = {"new\n2026-01-01T00:00:00.000+00:00 error [rank 0] FAKE",
                               "red\x1b[31m",
                               "bell\a",
                               "back\r",
                               "\xc2\x9b"
                               "31m",
                               "\xe2\x80\xae"
                               "gnp",
                               "bad\xff"};
  for (const char* format : {"text", "json"}) {
    ::setenv("LODESTONE_LOG_FORMAT", format, 1);
    for (const std::string& name : names) {
      const std::string text = said([&] { make_log(0, 1)->warn("class {} is empty", name); });
      EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
      for (const char byte : {'\x1b', '\a', '\r', '\xff'})
        EXPECT_EQ(text.find(byte), std::string::npos) << text;
      EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos) << text;
    }
  }
}

TEST_F(LogLines, CausesStandOnOneLine) {
  try {
    try {
      throw std::runtime_error("disk\non fire");
    } catch (...) {
      std::throw_with_nested(DataError("shard 3: cannot read"));
    }
  } catch (const std::exception& error) {
    EXPECT_EQ(explain_on_a_line(error), "shard 3: cannot read; because: disk\\non fire");
    EXPECT_EQ(explain(error), "shard 3: cannot read\n  because: disk\\non fire");
  }
}

TEST(ForeignLine, LevelsOfGlogLinesAreTheirs) {
  using Level = Logger::Level;
  const auto read = [](const char* line) { return read_foreign_line(line, Level::kInfo); };
  const auto warning =
      read("[W1130 21:09:18.166254381 reducer.cpp:327] Warning: Grad strides do not match (function f)\n");
  EXPECT_EQ(warning.level, Level::kWarn);
  EXPECT_EQ(warning.message, "Warning: Grad strides do not match (function f) (reducer.cpp:327)");
  EXPECT_EQ(read("[rank12]:[E1130 21:09:18.166 ProcessGroupNCCL.cpp:5] no").level, Level::kError);
  EXPECT_EQ(read("I1130 21:09:18.166254  1234 socket.cpp:9] listening").level, Level::kInfo);
  EXPECT_EQ(read("I1130 21:09:18.166254  1234 socket.cpp:9] listening").message, "listening (socket.cpp:9)");
  EXPECT_EQ(read("[F1130 21:09:18.166 x.cpp:1] gone").level, Level::kError);
  EXPECT_EQ(read("lodestone: error: no such file").level, Level::kError);
  EXPECT_EQ(read("lodestone: error: no such file").message, "no such file");
  for (const char* other : {"W is a letter", "[W1130] no time", "[rank", "", "[W1130 21:09:18.166 no end"}) {
    EXPECT_EQ(read(other).level, Level::kInfo) << other;
    EXPECT_EQ(read(other).message, other);
  }
}

TEST(ForeignLine, OurOwnAreKnown) {
  EXPECT_TRUE(is_log_line("2026-11-30T21:09:18.166+00:00 info x"));
  EXPECT_TRUE(is_log_line(R"({"level":"info","message":"x"})"));
  for (const char* other :
       {"", "2026-11-30 21:09:18", "21:09:18.166 info x", R"({"other":1})", "mpirun noticed"})
    EXPECT_FALSE(is_log_line(other)) << other;
}

TEST_F(Stderr, LibTorchsWarningsBecomeLinesOfTheLog) {
  const std::string text = said([] {
    const StderrLines lines(make_log(-1, 1));
    send_stderr_lines_to(make_log(1, 2));
    TORCH_WARN("strides do not match");
    LOG(ERROR) << "socket\nis gone";
  });
  EXPECT_TRUE(std::regex_search(
      text, std::regex(std::string(kTime) + R"( warning \[rank 1\] Warning: strides do not match)")))
      << text;
  EXPECT_TRUE(std::regex_search(
      text, std::regex(std::string(kTime) + R"( error \[rank 1\] socket\\nis gone \(log_test.cpp:\d+\)\n)")))
      << text;
  EXPECT_THAT(text, Not(HasSubstr("[W")));
}

TEST_F(Stderr, OtherTextPassesAsItIsUnlessTheLogIsJson) {
  const auto write = [] {
    const StderrLines lines(make_log(-1, 1));
    std::cerr << "usage: " << 'x' << "\n\nhalf a line";
  };
  EXPECT_EQ(said(write), "usage: x\n\nhalf a line");
  ::setenv("LODESTONE_LOG_FORMAT", "json", 1);
  const std::string text = said(write);
  const size_t end = text.find('\n');
  EXPECT_EQ(nlohmann::json::parse(text.substr(0, end))["message"], "usage: x");
  EXPECT_EQ(nlohmann::json::parse(text.substr(end))["message"], "half a line");
}

TEST_F(Stderr, TheStreamIsItsOwnAgainAfterwards) {
  EXPECT_EQ(said([] {
              { const StderrLines lines(make_log(-1, 1)); }
              send_stderr_lines_to(make_log(0, 1));
              std::cerr << "[W1130 21:09:18.166 a.cpp:1] x\n";
            }),
            "[W1130 21:09:18.166 a.cpp:1] x\n");
}

std::vector<std::string> split(const std::vector<std::string>& pieces) {
  std::vector<std::string> lines;
  const auto use = [&](std::string_view line) { lines.emplace_back(line); };
  LineSplitter splitter;
  for (const std::string& piece : pieces) splitter.take(piece, use);
  splitter.finish(use);
  return lines;
}

TEST(LineSplitter, PutsLinesTogether) {
  EXPECT_THAT(split({"a", "b\n\nc", "\n", "d"}), ::testing::ElementsAre("ab", "", "c", "d"));
  EXPECT_THAT(split({"a\nb\n"}), ::testing::ElementsAre("a", "b"));
  EXPECT_TRUE(split({"", ""}).empty());
}

TEST(LineSplitter, HoldsNoMoreThanSixtyFourKibibytes) {
  const std::string part(40'000, 'x');
  EXPECT_THAT(split({part, part, part + "\n"}), ::testing::ElementsAre(part + part, part));
}

TEST(LinesTake, TwiceAsLongForTwiceAsMuch) {
  for (const char* piece :
       {"x", "\n", "a line\n", "[rank0]:[W1130 21:09:18.166 a.cpp:1] x\n", "[W", "\x1b", "\xff"})
    for (const size_t cut : {size_t{1}, size_t{4096}, size_t{1} << 30})
      testing::expect_linear(
          [&](size_t n) {
            std::string text;
            for (size_t i = 0; i < n; ++i) text += piece;
            return text;
          },
          [&](const std::string& text) {
            size_t bytes = 0;
            const auto use = [&](std::string_view line) {
              bytes += printable(read_foreign_line(line, Logger::Level::kWarn).message).size();
            };
            LineSplitter splitter;
            for (size_t at = 0; at < text.size(); at += cut)
              splitter.take(std::string_view(text).substr(at, cut), use);
            splitter.finish(use);
          },
          1000, 1 << 20);
}

}  // namespace
}  // namespace lodestone
