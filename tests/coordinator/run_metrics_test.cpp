#include "trainer/coordinator/metrics/run_metrics.h"

#include <cmath>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"

namespace lodestone {
using namespace coordinator;
using namespace distributed;
using namespace engine;
namespace {

using testing::HasSubstr;
using testing::Not;

const RunInfo kRun{"faces", "abc123", "mpi", 4, 0, 2, 5, {"beta"}, 40, 50};
const RunInfo kOther{"faces", "abc123", "mpi", 4, 3, 2, 5, {"beta"}, 40, 50};

StepMetrics some_step() {
  StepMetrics metrics;
  metrics.step = 1;
  metrics.epoch = 2;
  metrics.samples = 64;
  metrics.loss = 0.5;
  metrics.learning_rate = 0.25;
  metrics.gradient_norm = 3;
  metrics.step_seconds = 2.5;
  metrics.batches_ready = 1;
  metrics.phases.load = 2;
  metrics.phases.backward = 0.02;
  for (const auto& field : kHealthFields) metrics.health.*field.member = 0.125;
  metrics.health.loss_parameters = {{"beta", 1.25}};
  return metrics;
}

void observe_all(RunMetrics& metrics) {
  metrics.step(some_step());
  Traffic traffic;
  traffic.all_gather = {3, 4096};
  metrics.traffic(traffic, {{"all_gather", 0.25}, {"unheard of", 9}});
  metrics.evaluation({{"recall_at_1", 0.75}, {"map_at_r", 0.5}, {"eer", 0.03}, {"tar_at_far_0.1", 1}});
  metrics.checkpoint_saved(1.5, 1000);
  metrics.checkpoint_failed();
  metrics.checkpoint_stalled(0.5);
  metrics.checkpoint_damaged();
  metrics.non_finite_step();
  metrics.collapse_seen();
}

const std::vector<RankState> kRanks{{0, 12, 0.1}, {1, 9, 7, 0, "", 3}, {2, 12, 0.2, 4}, {3, 11, 0.1}};

// Lines of series, without their values.
std::vector<std::string> series_in(const std::string& text) {
  std::vector<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && line[0] != '#') names.push_back(line.substr(0, line.rfind(' ')));
  return names;
}

TEST(RunMetrics, ReportsWhatItWasGiven) {
  RunMetrics metrics(kRun);
  observe_all(metrics);
  const std::string text = metrics.text(kRanks);
  for (const char* line : {"lodestone_steps_total 1",
                           "lodestone_step 1",
                           "lodestone_steps_planned 50",
                           "lodestone_samples_total 64",
                           "lodestone_loss 0.5",
                           "lodestone_step_duration_seconds_bucket{phase=\"backward\",le=\"0.03\"} 1",
                           "lodestone_data_wait_seconds_total 2",
                           "lodestone_hardest_negative_distance 0.125",
                           "lodestone_loss_parameter{name=\"beta\"} 1.25",
                           "lodestone_recall_at_1 0.75",
                           "lodestone_world_size 4",
                           "lodestone_checkpoint_attempts_total 2",
                           "lodestone_checkpoint_failures_total 1",
                           "lodestone_checkpoint_stall_seconds_total 0.5",
                           "lodestone_checkpoint_damaged_total 1",
                           "lodestone_collective_sent_bytes_total{verb=\"all_gather\"} 4096",
                           "lodestone_collective_seconds_total{verb=\"all_gather\"} 0.25",
                           "lodestone_collective_calls_total{verb=\"broadcast\"} 0",
                           "lodestone_generation 2",
                           "lodestone_restarts_total 5",
                           "lodestone_rank_lag_steps 3",
                           "lodestone_rank_lag_seconds 4",
                           "lodestone_rank_most_behind 2",
                           "lodestone_rank_silence_seconds 7",
                           "lodestone_ranks_reporting 4",
                           "lodestone_non_finite_steps_total 1",
                           "lodestone_collapses_total 1"})
    EXPECT_THAT(text, HasSubstr("\n" + std::string(line) + "\n"));
}

TEST(RunMetrics, CheckpointsAreMeantByStepsAndByTimeWhicheverComesFirst) {
  const auto interval = [](int64_t steps, double seconds) {
    RunMetrics metrics(kRun);
    metrics.checkpoints_every(steps, seconds);
    observe_all(metrics);
    const std::string text = metrics.text(), name = "\nlodestone_checkpoint_interval_seconds ";
    return std::strtod(text.c_str() + text.find(name) + name.size(), nullptr);
  };
  EXPECT_TRUE(std::isnan(interval(0, 0)));
  EXPECT_EQ(interval(0, 90), 90);
  EXPECT_EQ(interval(int64_t{1} << 60, 90), 90);
  EXPECT_GT(interval(int64_t{1} << 60, 0), 90);
  EXPECT_LT(interval(1, 1e9), 60);
}

// Whoever watches a run that stands still must see it: what depends on time is as of the moment of asking.
TEST(RunMetrics, ARunThatStandsStillShowsIt) {
  RunMetrics metrics(kRun);
  EXPECT_FALSE(metrics.ready());
  metrics.step(some_step());
  EXPECT_TRUE(metrics.ready());
  EXPECT_THAT(metrics.text({{0, 12, 0.1}, {1, 12, 0.1, 0.5}}),
              HasSubstr("\nlodestone_rank_lag_seconds 0.5\n"));
  EXPECT_THAT(metrics.text({{0, 12, 0.1}, {1, 12, 0.1, 60}}), HasSubstr("\nlodestone_rank_lag_seconds 60\n"));
  // With no seconds to wait for, the rank that is behind in steps counts.
  EXPECT_THAT(metrics.text({{0, 12, 0}, {1, 11, 0, 0, "", 1}}),
              HasSubstr("\nlodestone_rank_most_behind 1\n"));
  // One whose heartbeat is old has not fallen behind by the steps that were made since.
  EXPECT_THAT(metrics.text({{0, 312, 0}, {1, 112, 1}}), HasSubstr("\nlodestone_rank_lag_steps 0\n"));
}

double value_of(const std::string& text, const std::string& name) {
  const size_t at = text.find("\n" + name + " ");
  EXPECT_NE(at, std::string::npos) << name;
  return std::strtod(text.c_str() + at + name.size() + 2, nullptr);
}

// A process that resumes at step 40 counts its own steps from 0 and those of the run from 40.
TEST(RunMetrics, StepsAndTheTimeLeftAreThoseOfTheRunOnEveryRank) {
  for (const RunInfo& run : {kRun, kOther}) {
    RunMetrics metrics(run);
    EXPECT_EQ(value_of(metrics.text(), "lodestone_step"), 40);
    EXPECT_EQ(value_of(metrics.text(), "lodestone_steps_planned"), 50);
    EXPECT_TRUE(std::isnan(value_of(metrics.text(), "lodestone_eta_seconds")));
    StepMetrics step = some_step();
    for (step.step = 41; step.step <= 49; ++step.step) metrics.step(step);
    EXPECT_EQ(value_of(metrics.text(), "lodestone_step"), 49);
    EXPECT_EQ(value_of(metrics.text(), "lodestone_steps_total"), 9);
    const double left = value_of(metrics.text(), "lodestone_eta_seconds");
    EXPECT_GT(left, 0);
    EXPECT_LT(left, 10) << "the steps took no time";
    step.step = 50;
    metrics.step(step);
    EXPECT_EQ(value_of(metrics.text(), "lodestone_eta_seconds"), 0);
  }
}

TEST(RunMetrics, TheProcessIsWeighed) {
  const RunMetrics metrics(kOther);
  const std::string text = metrics.text();
  EXPECT_GT(value_of(text, "process_resident_memory_bytes"), 1e6);
  EXPECT_GT(value_of(text, "process_virtual_memory_bytes"), value_of(text, "process_resident_memory_bytes"));
  EXPECT_GT(value_of(text, "process_open_fds"), 2);
  EXPECT_GE(value_of(text, "process_max_fds"), value_of(text, "process_open_fds"));
  EXPECT_GT(value_of(text, "process_cpu_seconds_total"), 0);
  const double now = static_cast<double>(std::time(nullptr));
  EXPECT_LT(value_of(text, "process_start_time_seconds"), now + 2);
  EXPECT_GT(value_of(text, "process_start_time_seconds"), now - 86400);
  const double open = value_of(metrics.text(), "process_open_fds");
  const std::ifstream file("/proc/self/status");
  EXPECT_EQ(value_of(metrics.text(), "process_open_fds"), open + 1);
}

TEST(RunMetrics, TrafficIsATotal) {
  RunMetrics metrics(kRun);
  Traffic traffic;
  for (int64_t calls : {3, 5, 5}) {
    traffic.barrier.calls = calls;
    metrics.traffic(traffic, {});
  }
  EXPECT_THAT(metrics.text(), HasSubstr("lodestone_collective_calls_total{verb=\"barrier\"} 5\n"));
}

TEST(RunMetrics, SeriesAreThereFromTheStartAndStayTheSame) {
  for (const RunInfo& run : {kRun, kOther}) {
    RunMetrics metrics(run);
    const auto before = series_in(metrics.text());
    EXPECT_LE(before.size(), run.rank == 0 ? 300U : 150U);
    EXPECT_EQ(std::set<std::string>(before.begin(), before.end()).size(), before.size());
    RecordProperty("series_of_rank_" + std::to_string(run.rank), static_cast<int>(before.size()));
    for (int i = 0; i < 1000; ++i) observe_all(metrics);
    EXPECT_EQ(series_in(metrics.text(kRanks)), before);
  }
}

TEST(RunMetrics, OtherRanksHaveOnlyTheirOwn) {
  RunMetrics metrics(kOther);
  observe_all(metrics);
  EXPECT_THAT(metrics.text(), HasSubstr("rank=\"3\""));
  EXPECT_THAT(metrics.text(), HasSubstr("lodestone_steps_total 1"));
  EXPECT_THAT(metrics.text(), Not(HasSubstr("lodestone_loss")));
  EXPECT_THAT(metrics.text(), Not(HasSubstr("lodestone_restarts_total")));
}

TEST(RunMetrics, WhatIsUnknownIsNoNumber) {
  const RunMetrics metrics(kRun);
  EXPECT_THAT(metrics.text(), HasSubstr("\nlodestone_loss Nan\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("\nlodestone_rank_lag_steps Nan\n"));
}

TEST(RunMetrics, PrometheusLinterFindsNothing) {
  if (std::system("command -v promtool >/dev/null") != 0)
    GTEST_SKIP() << "promtool (package prometheus) is not installed";
  for (const RunInfo& run : {kRun, kOther}) {
    RunMetrics metrics(run);
    for (int round = 0; round < 2; ++round, observe_all(metrics)) {
      const TempFolder folder;
      const std::string file = (folder.path() / "metrics").string();
      write_file_synced(file, metrics.text());
      EXPECT_EQ(std::system(("promtool check metrics < " + file).c_str()), 0);
    }
  }
}

std::string type_of(const std::string& text, const std::string& name) {
  const std::string head = "# TYPE " + name + " ";
  const size_t at = text.find(head);
  return at == std::string::npos ? "" : text.substr(at + head.size(), text.find('\n', at) - at - head.size());
}

// docs/metrics.md has a table row "| `name` | type | ..." for every metric, and for nothing else.
TEST(RunMetrics, DocumentationListsExactlyThese) {
  RunMetrics metrics(kRun);
  const std::string text = metrics.text();
  std::set<std::string> exported, documented;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("# TYPE ")) exported.insert(line.substr(7, line.find(' ', 7) - 7));
  std::ifstream file(std::string(LODESTONE_SOURCE) + "/docs/metrics.md");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `lodestone_") && !line.starts_with("| `process_")) continue;
    const std::string name = line.substr(3, line.find('`', 3) - 3);
    documented.insert(name);
    EXPECT_THAT(line, HasSubstr("` | " + type_of(text, name) + " | "));
  }
  EXPECT_EQ(exported, documented);
}

}  // namespace
}  // namespace lodestone
