// The supervisor over real jobs: mpirun, ranks that are killed, stopped and told to end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/program.h"
#include "support/run_lines.h"
#include "trainer/coordinator/checkpoint.h"

namespace lodestone::testing {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::vector<std::string> launch(const Workspace& work, const std::vector<std::string>& options,
                                const std::vector<std::string>& settings) {
  auto command = lodestone({"launch", "-n", "2"});
  command.insert(command.end(), options.begin(), options.end());
  command.insert(command.end(), {"--", "train", work.config()});
  for (const auto& setting : settings) command.insert(command.end(), {"--set", setting});
  return command;
}

// Processes that train in this workspace, by rank.
std::map<int, pid_t> ranks_of(const Workspace& work) {
  std::map<int, pid_t> found;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc", gone)) {
    const std::string arguments = contents(entry.path() / "cmdline"),
                      variables = contents(entry.path() / "environ");
    const size_t rank = variables.find("OMPI_COMM_WORLD_RANK=");
    if (arguments.find(work.config()) == std::string::npos || rank == std::string::npos) continue;
    found[std::atoi(variables.c_str() + rank + 21)] = std::stoi(entry.path().filename());
  }
  return found;
}

bool reaches(const Workspace& work, int step) {
  return Process::until(90, [&] {
    return contents(work.run() / "metrics.jsonl").find("\"step\":" + std::to_string(step) + ",") !=
               std::string::npos ||
           contents(work.run() / "metrics.jsonl").find("\"step\":" + std::to_string(step) + "}") !=
               std::string::npos;
  });
}

TEST(Launch, AKilledRankCostsNothingButTime) {
  const Workspace whole, parts;
  const std::vector<std::string> settings = {"schedule.steps=300", "checkpoint.every_steps=20"};
  ASSERT_EQ(run(launch(whole, {}, settings)).code, 0);
  Process job(launch(parts, {"--max-restarts", "3"}, settings));
  ASSERT_TRUE(reaches(parts, 45));
  ::kill(ranks_of(parts).at(1), SIGKILL);
  const Finished end = job.wait();
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_THAT(end.err, HasSubstr("restart 1 of at most 3, from step "));
  EXPECT_EQ(losses(parts.run()), losses(whole.run()));
  EXPECT_EQ(contents(parts.run() / "checkpoints/step-00000300/model.safetensors"),
            contents(whole.run() / "checkpoints/step-00000300/model.safetensors"));
}

TEST(Launch, AStoppedRankIsNamedInTenSecondsAndTheJobEndsWith4) {
  const Workspace work;
  Process job(launch(work, {"--max-restarts", "0"}, {"schedule.steps=1000000", "checkpoint.every_steps=0"}));
  ASSERT_TRUE(reaches(work, 20));
  const auto ranks = ranks_of(work);
  EXPECT_THAT(contents("/proc/" + std::to_string(ranks.at(1)) + "/environ"),
              HasSubstr("GOMP_SPINCOUNT=10000"));
  const auto begin = std::chrono::steady_clock::now();
  ::kill(ranks.at(1), SIGSTOP);
  const Finished end = job.wait(60);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(end.code, 4) << end.err;
  EXPECT_THAT(end.err, HasSubstr("rank 1 is lost: silent"));
  EXPECT_LT(took.count(), 10.0);
  EXPECT_EQ(::kill(ranks.at(1), 0), -1) << "the stopped rank is still there";
  const auto record = nlohmann::json::parse(contents(work.run() / "flight/generation-0-rank-0.json"));
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("rank 1 is lost"));
  EXPECT_GT(record["collectives"].size(), 100u);
}

TEST(Launch, ATermSavesOneStepOnAllRanksAndExits75) {
  const Workspace work;
  Process job(launch(work, {}, {"schedule.steps=1000000", "checkpoint.every_steps=0"}));
  ASSERT_TRUE(reaches(work, 20));
  job.signal(SIGTERM);
  const Finished end = job.wait(60);
  EXPECT_EQ(end.code, 75) << end.err;
  const auto checkpoints = list_checkpoints(work.run() / "checkpoints");
  ASSERT_EQ(checkpoints.size(), 1u);
  EXPECT_TRUE(verify_checkpoint(checkpoints.front()).ok());
  EXPECT_EQ(static_cast<size_t>(load_checkpoint(checkpoints.front()).step), losses(work.run()).size());
}

TEST(Launch, Usr2WritesEveryRanksFlightRecordAndTrainingGoesOn) {
  const Workspace work;
  Process job(launch(work, {}, {"schedule.steps=1000000", "checkpoint.every_steps=0"}));
  ASSERT_TRUE(reaches(work, 20));
  job.signal(SIGUSR2);
  for (const char* rank : {"0", "1"})
    EXPECT_TRUE(Process::until(20, [&] {
      return fs::exists(work.run() / "flight" / (std::string("generation-0-rank-") + rank + ".json"));
    }));
  const size_t then = losses(work.run()).size();
  EXPECT_TRUE(Process::until(60, [&] { return losses(work.run()).size() > then + 10; }));
  job.signal(SIGTERM);
  EXPECT_EQ(job.wait(60).code, 75);
}

// Rank 1 is stopped before it reaches MPI_Init, in which rank 0 waits.
TEST(Launch, ARankThatNeverComesEndsTheJobWith4) {
  const Workspace work;
  const Finished end =
      run({MPIRUN_PROGRAM, "--oversubscribe", "-n", "1", LODESTONE_PROGRAM, "train", work.config(), "--set",
           "distributed.timeout=3", ":", "-n", "1", "sh", "-c", "kill -STOP $$"},
          60);
  EXPECT_EQ(end.code, 4) << end.err;
  EXPECT_THAT(end.err, HasSubstr("not all ranks have come within 3000 ms"));
}

// As in a container: process 1 has no default actions for signals, and orphans are its own.
TEST(Launch, WorksAsTheFirstProcessOfAContainer) {
  if (run({"unshare", "--pid", "--fork", "--mount-proc", "true"}).code != 0)
    GTEST_SKIP() << "no process namespaces here";
  const Workspace work;
  std::vector<std::string> command = {"unshare", "--pid", "--fork", "--mount-proc", "--kill-child"};
  for (const auto& word : launch(work, {}, {"schedule.steps=1000000", "checkpoint.every_steps=0"}))
    command.push_back(word);
  Process job(command);
  ASSERT_TRUE(reaches(work, 20));
  pid_t first = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string arguments = contents(entry.path() / "cmdline");
    if (arguments.find("launch") != std::string::npos && arguments.find(work.config()) != std::string::npos &&
        arguments.find("unshare") == std::string::npos)
      first = std::stoi(entry.path().filename());
  }
  ASSERT_GT(first, 0);
  ::kill(first, SIGTERM);
  const Finished end = job.wait(60);
  EXPECT_EQ(end.code, 75) << end.err;
  EXPECT_EQ(list_checkpoints(work.run() / "checkpoints").size(), 1u);
}

TEST(Launch, WhatIsWrongWithTheCommandIsToldOnceBeforeAnythingStarts) {
  const Workspace work;
  const Finished key = run(launch(work, {}, {"schedule.stepps=3"}));
  EXPECT_EQ(key.code, 2);
  EXPECT_THAT(key.err, HasSubstr("did you mean 'steps'"));
  EXPECT_EQ(run(lodestone({"launch", "-n", "2", "--", "trian", "x.yaml"})).code, 2);
  EXPECT_EQ(run(lodestone({"launch", "-n", "2", "--", "launch", "--", "train", work.config()})).code, 2);
  EXPECT_EQ(run(lodestone({"launch", "-n", "2", "--min-ranks", "3", "--", "train", work.config()})).code, 2);
  EXPECT_EQ(run(lodestone({"launch", "-n", "2"})).code, 2);
  EXPECT_FALSE(fs::exists(work.run()));
}

TEST(Launch, OneRankNeedsNoMpirunAndTheRunsCodeIsTheJobs) {
  const Workspace work;
  EXPECT_EQ(
      run({"/usr/bin/env", "PATH=/nowhere", LODESTONE_PROGRAM, "launch", "--", "train", work.config()}).code,
      0);
  EXPECT_EQ(losses(work.run()).size(), 8u);
  EXPECT_EQ(run(lodestone({"launch", "--", "train", work.config(), "--resume", work.path("nothing")})).code,
            5);
}

}  // namespace
}  // namespace lodestone::testing
