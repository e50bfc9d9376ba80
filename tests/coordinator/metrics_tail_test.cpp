// A resumed run looks at the end of its metrics.jsonl alone, however long it is, and leaves what a run that
// never stopped would have.
#include "trainer/coordinator/metrics/metrics_tail.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/files.h"
#include "support/growth.h"
#include "trainer/coordinator/metrics/metrics_log.h"

namespace lodestone {
using namespace coordinator;
namespace {

std::string train(int64_t step) {
  return "{\"kind\":\"train\",\"loss\":0.5,\"step\":" + std::to_string(step) + "}\n";
}
std::string event(const std::string& what, int64_t step) {
  return "{\"event\":\"" + what + "\",\"kind\":\"event\",\"step\":" + std::to_string(step) + "}\n";
}

class MetricsTail : public ::testing::Test {
 protected:
  // What is left of `text`.
  std::string cut(const std::string& text, std::optional<int64_t> step) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << text;
    last_ = cut_metrics_tail(path_, step);
    std::string left = read_file(path_);
    EXPECT_EQ(last_.bytes_cut, text.size() - left.size());
    EXPECT_EQ(cut_metrics_tail(path_, step).bytes_cut, 0u) << "once is enough";
    return left;
  }

  TempFolder folder_;
  std::filesystem::path path_ = folder_.path() / "metrics.jsonl";
  TailCut last_;
};

TEST_F(MetricsTail, StepsBehindTheCheckpointGo) {
  const std::string text = train(1) + train(2) + train(3) + train(4);
  EXPECT_EQ(cut(text, 2), train(1) + train(2));
  EXPECT_EQ(cut(text, 4), text);
  EXPECT_EQ(cut(text, 9), text);
  EXPECT_EQ(cut(text, 0), "");
  EXPECT_EQ(cut("", 3), "");
  EXPECT_EQ(cut(text, {}), text);
  std::filesystem::remove(path_);
  EXPECT_EQ(cut_metrics_tail(path_, 3).bytes_read, 0u);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(MetricsTail, WhatIsReportedLateOfAnEarlierStepStays) {
  // A checkpoint is durable, and reported, some steps after its own.
  EXPECT_EQ(cut(train(1) + train(2) + train(3) + event("checkpoint", 2) + train(4), 2),
            train(1) + train(2) + event("checkpoint", 2));
  EXPECT_EQ(cut(train(2) + event("a", 2) + train(3) + event("b", 3) + event("c", 2) + "{\"x\":1}\n", 2),
            train(2) + event("a", 2) + event("c", 2) + "{\"x\":1}\n");
}

TEST_F(MetricsTail, WhatARollbackLeftStaysAsInARunThatNeverStopped) {
  const std::string before = train(1) + train(2) + train(3) + event("rollback", 1) + train(2);
  EXPECT_EQ(cut(before + train(3), 2), before);
  EXPECT_EQ(cut(before + train(3), 1), train(1) + event("rollback", 1));
}

TEST_F(MetricsTail, TornAndForeignLinesAtTheEndGo) {
  const std::string whole = train(1) + train(2);
  for (size_t size = 1; size < train(3).size(); ++size)
    ASSERT_EQ(cut(whole + train(3).substr(0, size), 5), whole) << size;
  EXPECT_EQ(cut(whole + "not json\n\n[1]\n" + train(9), 5), whole);
  EXPECT_EQ(cut("no line at all", 5), "");
  EXPECT_EQ(cut("\n\n\n", 5), "");
  EXPECT_EQ(cut(whole + std::string(3 << 20, 'x') + "\n", 5), whole);
  EXPECT_EQ(cut(whole + std::string(3 << 20, 'x'), 5), whole);
  EXPECT_EQ(cut(std::string(3 << 20, 'x') + "\n" + whole, 1), std::string(3 << 20, 'x') + "\n" + train(1));
  // A step that is no number says nothing about place.
  EXPECT_EQ(cut(train(1) + "{\"kind\":7,\"step\":\"x\"}\n" + train(2), 1),
            train(1) + "{\"kind\":7,\"step\":\"x\"}\n");
}

TEST_F(MetricsTail, LinesOfAnyLengthCrossBlocksAnywhere) {
  for (const size_t length : {65'470u, 65'535u, 65'536u, 65'537u, 131'072u, 900'000u}) {
    const std::string longer = "{\"kind\":\"train\",\"step\":2,\"x\":\"" + std::string(length, 'y') + "\"}\n";
    EXPECT_EQ(cut(train(1) + longer + train(3), 2), train(1) + longer) << length;
    EXPECT_EQ(cut(train(1) + longer + train(3), 1), train(1)) << length;
  }
  std::string many;
  for (int64_t step = 1; step <= 9'000; ++step) many += train(step);
  for (const int64_t step : {1, 1'000, 4'567, 8'999})
    EXPECT_EQ(cut(many, step).size(), many.find(train(step + 1))) << step;
}

TEST_F(MetricsTail, TheReadingDoesNotGrowWithTheFile) {
  std::string text;
  for (int64_t step = 1; text.size() < (size_t{1} << 20); ++step) text += train(step);
  const int64_t last = std::count(text.begin(), text.end(), '\n');
  cut(text, last - 5);
  const uint64_t short_file = last_.bytes_read;
  EXPECT_LT(short_file, 200'000u);
  std::string longer;
  for (int copies = 0; copies < 40; ++copies) longer += text;
  cut(longer, last - 5);
  EXPECT_EQ(last_.bytes_read, short_file) << "of 40 MiB as of one";
}

TEST_F(MetricsTail, LinesOfAnyShapeAreBorne) {
  // A value copied or taken down level by level would end the process.
  const std::string levels(400'000, '['), deep = "{\"kind\":" + levels + std::string(400'000, ']') + "}\n";
  EXPECT_EQ(cut(train(1) + deep + train(2), 1), train(1));
  const std::string odd = "{\"kind\":7,\"step\":0}\n";
  EXPECT_EQ(cut(train(1) + odd + "{\"kind\":\"train\",\"step\":1e300}\n[1]\n", 1), train(1) + odd);
}

TEST_F(MetricsTail, ReadersGetLinesOfTheRightTypesAlone) {
  std::ofstream(path_) << train(1) << "{\"kind\":7}\n{\"kind\":\"x\",\"step\":\"1\"}\n{\"step\":1e300}\n[]\n"
                       << "{\"kind\":" << std::string(400'000, '[') << "\n{}\n";
  int lines = 0;
  read_metrics(path_, [&](const nlohmann::json& line) {
    lines += line.value("kind", "") == "train" && line.value("step", int64_t{0}) == 1 ? 10 : 1;
  });
  EXPECT_EQ(lines, 11);
}

TEST_F(MetricsTail, TakesTwiceAsLongForTwiceAsMuch) {
  const auto expect = [&](const std::string& piece) {
    SCOPED_TRACE(piece);
    testing::expect_linear(
        [&](size_t n) {
          std::string text = train(1);
          for (size_t i = 0; i < n; ++i) text += piece;
          return text;
        },
        [&](const std::string& text) {
          std::ofstream(path_, std::ios::binary | std::ios::trunc) << text;
          cut_metrics_tail(path_, 1);
          read_metrics(path_, [](nlohmann::json&&) {});
        },
        1000, 1 << 18);
  };
  for (const std::string& piece : {train(2), event("a", 1), std::string("\n"), std::string("x"),
                                   std::string("{"), std::string("[["), std::string("\"\\")})
    expect(piece);
}

}  // namespace
}  // namespace lodestone
