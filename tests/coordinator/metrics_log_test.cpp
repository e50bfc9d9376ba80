#include "trainer/coordinator/metrics/metrics_log.h"

#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/files.h"

namespace lodestone {
using namespace coordinator;
using namespace engine;
namespace {

StepMetrics step_metrics(int64_t step) {
  StepMetrics metrics;
  metrics.step = step;
  metrics.epoch = 1;
  metrics.samples = 64;
  metrics.loss = 0.5;
  metrics.learning_rate = 1e-3;
  metrics.step_seconds = 0.25;
  metrics.phases.backward = 0.125;
  metrics.health.active_ratio = 0.75;
  metrics.health.loss_parameters = {{"beta", 1.25}};
  return metrics;
}

std::vector<int64_t> steps_in(const std::filesystem::path& path) {
  std::vector<int64_t> steps;
  for (const auto& line : read_metrics(path)) steps.push_back(line.value("step", int64_t{-1}));
  return steps;
}

class MetricsLogTest : public testing::Test {
 protected:
  TempFolder folder_;
  std::filesystem::path path_ = folder_.path() / "metrics.jsonl";
};

TEST_F(MetricsLogTest, OfAPipeIsRefusedAndNotWaitedFor) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THROW(MetricsLog(path_, std::nullopt, {}), IoError);
  EXPECT_THROW(MetricsLog(path_, 5, {}), IoError);
  EXPECT_THROW(read_metrics(path_), IoError);
}

TEST_F(MetricsLogTest, EachKindOfLine) {
  MetricsLog log(path_, std::nullopt, {});
  EXPECT_TRUE(log.train(step_metrics(10)));
  EXPECT_TRUE(log.eval(10, "test", {{"recall_at_1", 0.8}, {"eer", std::nan("")}}));
  EXPECT_TRUE(log.event(10, "checkpoint", {{"path", "step-00000010"}}));
  const auto lines = read_metrics(path_);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].at("kind"), "train");
  EXPECT_EQ(lines[0].at("samples_per_second"), 256.0);
  EXPECT_EQ(lines[0].at("backward_seconds"), 0.125);
  EXPECT_EQ(lines[0].at("active_ratio"), 0.75);
  EXPECT_EQ(lines[0].at("loss_beta"), 1.25);
  EXPECT_FALSE(lines[0].contains("positive_distance"));
  EXPECT_FALSE(lines[0].contains("gradient_norm"));
  EXPECT_EQ(lines[1].at("kind"), "eval");
  EXPECT_EQ(lines[1].at("split"), "test");
  EXPECT_TRUE(lines[1].at("eer").is_null());
  EXPECT_EQ(lines[2].at("kind"), "event");
  EXPECT_EQ(lines[2].at("event"), "checkpoint");
}

TEST_F(MetricsLogTest, LinesAreThereAtOnce) {
  MetricsLog log(path_, std::nullopt, {});
  for (int64_t step = 1; step <= 3; ++step) {
    log.train(step_metrics(step));
    EXPECT_EQ(steps_in(path_).size(), static_cast<size_t>(step));
  }
}

TEST_F(MetricsLogTest, ResumeDropsLaterSteps) {
  {
    MetricsLog log(path_, std::nullopt, {});
    for (int64_t step = 1; step <= 5; ++step) log.train(step_metrics(step));
    log.eval(4, "test", {});
  }
  std::ofstream(path_, std::ios::app) << "{\"kind\":\"event\",\"event\":\"no step\"}\n";
  {
    MetricsLog log(path_, 3, {});
    log.train(step_metrics(4));
  }
  EXPECT_THAT(steps_in(path_), testing::ElementsAre(1, 2, 3, -1, 4));
  { const MetricsLog log(path_, 0, {}); }
  EXPECT_THAT(steps_in(path_), testing::ElementsAre(-1));
}

TEST_F(MetricsLogTest, TornLastLineIsRemoved) {
  {
    MetricsLog log(path_, std::nullopt, {});
    log.train(step_metrics(1));
    log.train(step_metrics(2));
  }
  const std::string whole = read_file(path_);
  const size_t second = whole.find('\n') + 1;
  for (size_t size = second; size <= whole.size(); ++size) {
    std::ofstream(path_, std::ios::trunc) << whole.substr(0, size);
    MetricsLog log(path_, std::nullopt, {});
    log.train(step_metrics(3));
    if (size < whole.size()) {
      EXPECT_THAT(steps_in(path_), testing::ElementsAre(1, 3)) << size;
    }
    if (size == whole.size()) {
      EXPECT_THAT(steps_in(path_), testing::ElementsAre(1, 2, 3));
    }
  }
}

TEST_F(MetricsLogTest, ReaderSkipsWhatIsNoObject) {
  std::ofstream(path_) << "{\"step\":1}\nnot json\n\n[1]\n{\"step\":2}\n{\"step\":";
  EXPECT_THAT(steps_in(path_), testing::ElementsAre(1, 2));
  EXPECT_THROW(read_metrics(folder_.path() / "absent"), IoError);
}

TEST_F(MetricsLogTest, CannotOpen) {
  EXPECT_THROW(MetricsLog(folder_.path() / "absent" / "metrics.jsonl", std::nullopt, {}), IoError);
}

}  // namespace
}  // namespace lodestone
