// The supervisor over real jobs: mpirun, ranks that are killed, stopped and terminated.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "support/program.h"
#include "support/run_lines.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone::testing {
using namespace coordinator;
namespace {

using ::testing::AnyOf;
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
    found[std::stoi(variables.substr(rank + 21))] = std::stoi(entry.path().filename());
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
  ::kill(ranks.at(1), SIGSTOP);
  const Finished end = job.wait(60);
  EXPECT_EQ(end.code, 4) << end.err;
  // Rank 0's own measure: how long this machine takes to end the processes is not the point.
  const std::string lost = "rank 1 is lost: silent for ";
  ASSERT_THAT(end.err, HasSubstr(lost));
  EXPECT_LT(std::stoi(end.err.substr(end.err.find(lost) + lost.size())), 10'000);
  EXPECT_EQ(::kill(ranks.at(1), 0), -1) << "the stopped rank is still there";
  const auto record = nlohmann::json::parse(contents(work.run() / "flight/generation-0-rank-0.json"));
  EXPECT_THAT(record["reason"].get<std::string>(), HasSubstr("rank 1 is lost"));
  EXPECT_GT(record["collectives"].size(), 100u);
}

// Without the variable, as users run it: where LibTorch has a pool of threads, none of them may take the
// signal.
TEST(Launch, ATermSavesOneStepOnAllRanksAndExits75) {
  const Workspace work;
  std::vector<std::string> command = {"/usr/bin/env", "-u", "OMP_NUM_THREADS"};
  for (auto& word : launch(work, {}, {"schedule.steps=1000000", "checkpoint.every_steps=0"}))
    command.push_back(std::move(word));
  Process job(std::move(command));
  ASSERT_TRUE(reaches(work, 20));
  job.signal(SIGTERM);
  const Finished end = job.wait(60);
  EXPECT_EQ(end.code, 75) << end.err;
  const auto checkpoints = list_checkpoints(work.run() / "checkpoints");
  ASSERT_EQ(checkpoints.size(), 1u);
  EXPECT_TRUE(verify_checkpoint(checkpoints.front()).ok());
  EXPECT_EQ(static_cast<size_t>(load_checkpoint(checkpoints.front()).step), losses(work.run()).size());
}

TEST(Launch, Usr2WritesEveryRanksFlightRecordAndTrainingContinues) {
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

// `mpirun` with one rank that trains and one that is a shell.
Finished run_beside(const Workspace& work, const std::vector<std::string>& settings,
                    const std::string& script) {
  std::vector<std::string> command = {MPIRUN_PROGRAM,    "--oversubscribe", "-n",         "1",
                                      LODESTONE_PROGRAM, "train",           work.config()};
  for (const auto& setting : settings) command.insert(command.end(), {"--set", setting});
  command.insert(command.end(), {":", "-n", "1", "sh", "-c", script});
  return run(command, 60);
}

// Rank 1 is slow for ever before it reaches MPI_Init, in which rank 0 waits.
TEST(Launch, ARankThatNeverComesEndsTheJobWith4) {
  const Workspace work;
  const Finished end = run_beside(work, {"distributed.timeout=3"}, "exec sleep 50");
  EXPECT_EQ(end.code, 4) << end.err;
  EXPECT_THAT(end.err, HasSubstr("not all ranks have arrived within 3000 ms"));
}

// A stopped rank is reported as stopped, not as slow.
TEST(Launch, ARankThatIsStoppedBeforeMpiInitIsNamedAndTheJobEndsWith4) {
  const Workspace work;
  const Finished end = run_beside(work, {"distributed.peer_timeout=1"}, "kill -STOP $$");
  EXPECT_EQ(end.code, 4) << end.err;
  EXPECT_THAT(end.err, HasSubstr("before all ranks were connected, rank 1 is lost: stopped for "));
}

TEST(Launch, ARankThatDiesAsItStartsEndsTheJobWith4) {
  const Workspace work;
  Process job(launch(work, {"--max-restarts", "0"}, {"schedule.steps=1000000", "checkpoint.every_steps=0"}));
  std::map<int, pid_t> ranks;
  ASSERT_TRUE(Process::until(60, [&] { return (ranks = ranks_of(work)).contains(1); }));
  ::kill(ranks.at(1), SIGKILL);
  const Finished end = job.wait(60);
  EXPECT_EQ(end.code, 4) << end.err;
  // In mpirun's words: its number, or, where the other rank has obeyed mpirun's TERM before mpirun has
  // looked, that there was one.
  EXPECT_THAT(end.err, AnyOf(HasSubstr("rank 1 "), HasSubstr("1 process returned")));
}

// Addresses, as in /proc/net/tcp and tcp6, at which any process of this workspace listens.
std::set<std::string> listening(const Workspace& work) {
  std::set<std::string> sockets, addresses;
  std::error_code gone;
  for (const auto& process : fs::directory_iterator("/proc", gone)) {
    if (contents(process.path() / "cmdline").find(work.config()) == std::string::npos) continue;
    for (const auto& file : fs::directory_iterator(process.path() / "fd", gone))
      sockets.insert(fs::read_symlink(file.path(), gone).string());
  }
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::istringstream lines(contents(table));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string slot, here, there, state, word, inode;
      words >> slot >> here >> there >> state;
      for (int i = 0; i < 6; ++i) words >> inode;
      if (state == "0A" && sockets.contains("socket:[" + inode + "]"))
        addresses.insert(here.substr(0, here.find(':')));
    }
  }
  return addresses;
}

TEST(Launch, OnOneHostEverythingListensOnLoopbackAlone) {
  const Workspace work;
  Process job(launch(work, {}, {"schedule.steps=1000000", "checkpoint.every_steps=0"}));
  ASSERT_TRUE(reaches(work, 5));
  const auto addresses = listening(work);
  EXPECT_TRUE(addresses.contains("0100007F"));  // 127.0.0.1: the control plane's
  for (const std::string& address : addresses)
    EXPECT_THAT(address, AnyOf("0100007F", "00000000000000000000000001000000"))
        << "another than 127.0.0.1 and ::1";
  job.signal(SIGTERM);
  EXPECT_EQ(job.wait(60).code, 75);
}

TEST(Launch, RanksOfAHostfileThatIsAPipeAreAllItsSlots) {
  const Workspace work;
  const std::string pipe = work.path("hosts");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Process job(lodestone({"launch", "--hostfile", pipe, "--", "train", work.config()}));
  std::ofstream(pipe) << "localhost slots = 2  # all here\n";
  const Finished end = job.wait();
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_THAT(end.err, HasSubstr("2 ranks"));
}

TEST(Launch, AHostWithoutSlotsNeedsANumberOfRanks) {
  const Workspace work;
  std::ofstream(work.path("hosts")) << "localhost\n";
  const auto with = [&](const std::vector<std::string>& options) {
    auto command = lodestone({"launch", "--hostfile", work.path("hosts")});
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), {"--", "train", work.config()});
    return run(command);
  };
  EXPECT_EQ(with({}).code, 2);
  EXPECT_THAT(with({"-n", "2", "--min-ranks", "1"}).err,
              HasSubstr("expected slots=N behind each host's name"));
  EXPECT_EQ(with({"-n", "1"}).code, 0);
}

// libgomp says what it has read when the process began.
TEST(Threads, SpinBrieflyWhereverThisProgramIsMain) {
  const auto spin = [](const std::vector<std::string>& variables) {
    std::vector<std::string> command = {
        "/usr/bin/env", "-u", "GOMP_SPINCOUNT", "-u", "OMP_WAIT_POLICY", "OMP_DISPLAY_ENV=VERBOSE"};
    command.insert(command.end(), variables.begin(), variables.end());
    for (const auto& word : lodestone({"evaluate", "/nowhere"})) command.push_back(word);
    const std::string text = run(command).err;
    const size_t at = text.rfind("GOMP_SPINCOUNT = '");
    return at == std::string::npos ? text : text.substr(at + 18, text.find('\'', at + 18) - at - 18);
  };
  EXPECT_EQ(spin({}), "10000");
  EXPECT_EQ(spin({"GOMP_SPINCOUNT=77"}), "77");
  EXPECT_NE(spin({"OMP_WAIT_POLICY=active"}), "10000");
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

TEST(Launch, WhatIsWrongWithTheCommandIsReportedOnceBeforeAnythingStarts) {
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

TEST(Launch, AConfigurationThatIsAPipeIsRefusedSinceRanksReadItToo) {
  const Workspace work;
  for (const char* ranks : {"1", "2"}) {
    const Finished end = run({"bash", "-c", "\"$0\" launch -n $2 -- train <(cat \"$1\")", LODESTONE_PROGRAM,
                              work.config(), ranks});
    EXPECT_EQ(end.code, 2);
    EXPECT_THAT(end.err, HasSubstr("write the configuration into a file"));
  }
  EXPECT_FALSE(fs::exists(work.run()));
}

// LD_PRELOAD is split at blanks and colons.
TEST(Launch, ALibraryThatMpirunCannotLoadIsReportedWithTheCause) {
  const Workspace work;
  const fs::path program = LODESTONE_PROGRAM;
  for (const std::string name : {"plain", "with a blank", "with:colon", "alone"}) {
    fs::create_directory(work.path(name));
    for (const fs::path& file : {program, program.parent_path() / "liblodestone_loopback.so"}) {
      if (name == "alone" && file != program) continue;
      std::error_code other_device;
      fs::create_hard_link(file, work.path(name) / file.filename(), other_device);
      if (other_device) fs::copy_file(file, work.path(name) / file.filename());
    }
    // What this shell was started with: the library removes itself from the environment.
    std::ofstream(work.path("mpirun"))
        << "#!/bin/sh\ntr '\\0' '\\n' </proc/$$/environ | grep '^LD_PRELOAD=' || true\n";
    fs::permissions(work.path("mpirun"), fs::perms::owner_all);
    const Finished end = run({"env", "-u", "LD_PRELOAD", "PATH=" + work.path("").string() + ":/usr/bin:/bin",
                              work.path(name) / program.filename(), "launch", "-n", "2", "--", "config"});
    EXPECT_EQ(end.code, 0) << end.err;
    const bool plain = name == "plain";
    EXPECT_EQ(end.out.find("loopback") != std::string::npos, plain) << end.out << end.err;
    EXPECT_EQ(end.err.find("listens on every network") == std::string::npos, plain) << end.err;
    const char* cause = name == "alone" ? "copy or link it to " : "has a blank or a colon";
    EXPECT_EQ(end.err.find(cause) == std::string::npos, plain) << end.err;
  }
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
