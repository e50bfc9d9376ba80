// Signals before the first step, while a model is evaluated, and to commands that have nothing to save.
#include <csignal>
#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/program.h"
#include "support/run_lines.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone::testing {
using namespace coordinator;
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// A second is what is promised; the rest is for a machine that other programs keep busy.
constexpr double kAtOnce = 5;

const std::vector<std::string> kLong = {"schedule.steps=1000000", "checkpoint.every_steps=0"};
// Trials are drawn by one process and take minutes.
const std::vector<std::string> kLongEvaluation = {
    "evaluate.data.path=pictures", "evaluate.one_shot_within=false", "evaluate.one_shot_ways=4",
    "evaluate.one_shot_trials=300000000"};

std::vector<std::string> with_settings(std::vector<std::string> command,
                                       std::initializer_list<std::vector<std::string>> settings) {
  for (const auto& some : settings)
    for (const auto& setting : some) command.insert(command.end(), {"--set", setting});
  return command;
}

std::vector<std::string> train(const Workspace& work,
                               std::initializer_list<std::vector<std::string>> settings) {
  return with_settings(lodestone({"train", work.config()}), settings);
}

std::string line_of(const fs::path& file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name)) return line.substr(name.size());
  return "";
}

// Has the process put up a handler for this signal? False too if it has ended.
bool catches(pid_t pid, int signal) {
  const std::string mask = line_of("/proc/" + std::to_string(pid) + "/status", "SigCgt:\t");
  return !mask.empty() && ((std::stoull(mask, nullptr, 16) >> (signal - 1)) & 1) != 0;
}

// Ticks of CPU time, of which there are a hundred a second.
int64_t ticks(pid_t pid) {
  const std::string stat = contents("/proc/" + std::to_string(pid) + "/stat");
  std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  int64_t user = 0, system = 0;
  return fields >> user >> system ? user + system : -1;
}

bool reaches(const Workspace& work, int step) {
  return Process::until(90, [&] { return static_cast<int>(losses(work.run()).size()) >= step; });
}

struct Stopped {
  Finished end;
  double seconds = 0;
};

Stopped stop(Process& process, int signal) {
  const auto begin = Clock::now();
  process.signal(signal);
  Finished end = process.wait(60);
  return {std::move(end), std::chrono::duration<double>(Clock::now() - begin).count()};
}

// At many moments, measured by the CPU time that the start has taken: reading the configuration, opening
// data, building the encoder, opening the run folder, decoding the first batch.
TEST(Stop, IsObeyedBeforeTheFirstStepWhereverTheRunIs) {
  for (int64_t after = 0; after <= 24; after += 6) {
    const Workspace work;
    for (const int signal : {after % 12 == 0 ? SIGTERM : SIGHUP}) {
      Process process(train(work, {kLong}));
      int64_t first = -1;
      ASSERT_TRUE(Process::until(60, [&] {
        if (first < 0 && catches(process.pid(), signal)) first = ticks(process.pid());
        return first >= 0 && ticks(process.pid()) >= first + after;
      }));
      const Stopped stopped = stop(process, signal);
      EXPECT_EQ(stopped.end.code, 75) << after << stopped.end.err;
      EXPECT_LT(stopped.seconds, kAtOnce) << after;
    }
  }
}

// The libraries begin with a quarter of a second of processor time (25 ticks), before main; linking, which
// comes first, takes 2 ticks on an idle core. The limit lies between. Measured are the ticks of the last look
// at which there was no handler: a look that comes late makes them no more.
TEST(Stop, IsCaughtBeforeTheLibrariesBegin) {
  const Workspace work;
  for (const char* verb : {"train", "verify-gradients"}) {
    Process process(lodestone({verb, work.config()}));
    int64_t without = 0;
    ASSERT_TRUE(Process::until(60, [&] {
      const int64_t now = ticks(process.pid());
      if (catches(process.pid(), SIGTERM)) return true;
      without = now;
      return false;
    }));
    EXPECT_LT(without, 20) << "hundredths of a second of processor time";
    EXPECT_EQ(stop(process, SIGTERM).end.code, std::string(verb) == "train" ? 75 : 128 + SIGTERM);
  }
}

TEST(Stop, BeforeTheFirstStepSaysWhatFollowsAndTheSameCommandContinues) {
  const Workspace work;
  ASSERT_EQ(::mkfifo(work.path("slow.yaml").c_str(), 0600), 0);
  Process process(lodestone({"train", work.path("slow.yaml")}));
  int writer = -1;  // fails until the program reads
  ASSERT_TRUE(Process::until(
      60, [&] { return (writer = ::open(work.path("slow.yaml").c_str(), O_WRONLY | O_NONBLOCK)) >= 0; }));
  const Stopped stopped = stop(process, SIGTERM);
  EXPECT_EQ(stopped.end.code, 75);
  ::close(writer);
  EXPECT_THAT(stopped.end.err, HasSubstr("stopped by signal 15 before the first step: nothing was saved"));
  EXPECT_FALSE(fs::exists(work.run()));
}

TEST(Stop, AResumedRunThatIsStoppedAtItsStartLosesNothing) {
  const Workspace work;
  ASSERT_EQ(run(lodestone({"train", work.config()})).code, 0);
  const std::string before = contents(work.run() / "checkpoints/step-00000008/MANIFEST.json");
  Process process(train(work, {kLong, {"data.loader.workers=1"}}));
  ASSERT_TRUE(Process::until(60, [&] { return catches(process.pid(), SIGINT); }));
  EXPECT_EQ(stop(process, SIGINT).end.code, 75);
  EXPECT_EQ(contents(work.run() / "checkpoints/step-00000008/MANIFEST.json"), before);
  EXPECT_TRUE(verify_checkpoint(work.run() / "checkpoints/step-00000008").ok());
}

TEST(Stop, AHangupThatIsIgnoredStopsNothing) {
  const Workspace work;
  std::vector<std::string> command = {"sh", "-c", "trap '' HUP; exec \"$@\"", "sh"};
  for (const auto& word : train(work, {kLong})) command.push_back(word);
  Process process(command);
  ASSERT_TRUE(reaches(work, 3));
  process.signal(SIGHUP);
  ASSERT_TRUE(reaches(work, static_cast<int>(losses(work.run()).size()) + 3));
  EXPECT_EQ(stop(process, SIGTERM).end.code, 75);
}

TEST(Stop, AHangupSavesAndEndsWith75) {
  const Workspace work;
  Process process(train(work, {kLong}));
  ASSERT_TRUE(reaches(work, 3));
  EXPECT_EQ(stop(process, SIGHUP).end.code, 75);
  EXPECT_FALSE(list_checkpoints(work.run() / "checkpoints").empty());
}

TEST(Stop, DuringAnEvaluationTheStepIsSavedAtOnce) {
  const Workspace work;
  Process process(train(work, {kLong, kLongEvaluation, {"evaluate.every=3"}}));
  ASSERT_TRUE(reaches(work, 3));
  const Stopped stopped = stop(process, SIGTERM);
  EXPECT_EQ(stopped.end.code, 75) << stopped.end.err;
  EXPECT_LT(stopped.seconds, kAtOnce);
  // The signal may come just before the evaluation.
  EXPECT_THAT(stopped.end.err,
              HasSubstr("saved step 3 in " + (work.run() / "checkpoints/step-00000003").string()));
  EXPECT_TRUE(verify_checkpoint(work.run() / "checkpoints/step-00000003").ok());
  ASSERT_EQ(run(train(work, {{"schedule.steps=4"}})).code, 0) << "and it continues";
  EXPECT_EQ(losses(work.run()).size(), 4u);
}

// With a running average of the weights, which replace the encoder's weights during an evaluation.
TEST(Stop, WhatIsSavedDuringAnEvaluationIsWhatTheStepLeft) {
  const std::vector<std::string> average = {"ema.decay=0.9"};
  const Workspace whole, parts;
  ASSERT_EQ(run(train(whole, {average, {"schedule.steps=6"}})).code, 0);
  Process process(train(parts, {average, kLongEvaluation, {"schedule.steps=6", "evaluate.every=3"}}));
  ASSERT_TRUE(reaches(parts, 3));
  ASSERT_EQ(stop(process, SIGTERM).end.code, 75);
  ASSERT_EQ(run(train(parts, {average, {"schedule.steps=6"}})).code, 0);
  EXPECT_EQ(losses(parts.run()), losses(whole.run()));
  for (const char* file : {"model.safetensors", "ema.safetensors", "optimizer.safetensors"})
    EXPECT_EQ(contents(parts.run() / "checkpoints/step-00000006" / file),
              contents(whole.run() / "checkpoints/step-00000006" / file))
        << file;
}

TEST(Stop, DuringTheLastEvaluationNothingIsLost) {
  const Workspace work;
  Process process(train(work, {kLongEvaluation}));
  ASSERT_TRUE(reaches(work, 8));
  const Stopped stopped = stop(process, SIGTERM);
  EXPECT_EQ(stopped.end.code, 75) << stopped.end.err;
  EXPECT_LT(stopped.seconds, kAtOnce);
  EXPECT_TRUE(verify_checkpoint(work.run() / "checkpoints/step-00000008").ok());
}

TEST(Stop, ASecondSignalEndsAtOnceWhateverIsUnderWay) {
  const Workspace work;
  Process process(train(work, {kLong, kLongEvaluation, {"evaluate.every=3"}}));
  ASSERT_TRUE(reaches(work, 3));
  process.signal(SIGTERM);
  process.signal(SIGINT);
  // The first may have been obeyed before the second came.
  EXPECT_THAT(process.wait(60).code, ::testing::AnyOf(128 + SIGINT, 128 + SIGTERM, 75));
}

TEST(Stop, AllRanksEndWith75DuringAnEvaluationAndAtTheStart) {
  const Workspace evaluated;
  Process evaluating(with_settings(mpirun(2, lodestone({"train", evaluated.config()})),
                                   {kLong, kLongEvaluation, {"evaluate.every=3"}}));
  ASSERT_TRUE(reaches(evaluated, 3));
  const Stopped stopped = stop(evaluating, SIGUSR1);
  EXPECT_EQ(stopped.end.code, 75) << stopped.end.err;
  EXPECT_TRUE(verify_checkpoint(evaluated.run() / "checkpoints/step-00000003").ok());

  // One rank waits in MPI_Init for a process that is none, and gets the signal to stop.
  const Workspace starting;
  std::ofstream(starting.path("rank.sh"))
      << "echo $$ > " << starting.path("pid").string() << ".new && mv " << starting.path("pid").string()
      << ".new " << starting.path("pid").string() << "; exec " << LODESTONE_PROGRAM << " train "
      << starting.config() << "\n";
  std::vector<std::string> command = mpirun(1, {"sh", starting.path("rank.sh")});
  command.insert(command.end(), {":", "-n", "1", "sleep", "1000"});
  Process job(command);
  ASSERT_TRUE(Process::until(60, [&] {
    const std::string pid = contents(starting.path("pid"));
    return !pid.empty() && catches(std::stoi(pid), SIGTERM);
  }));
  ::kill(std::stoi(contents(starting.path("pid"))), SIGTERM);
  EXPECT_EQ(job.wait(60).code, 75);
}

TEST(Stop, LaunchEndsWith75AtAnyMomentOfTheStart) {
  for (const char* said : {"", "ranks (mpi)"}) {
    const Workspace work;
    auto command = lodestone({"launch", "-n", "2", "--", "train", work.config()});
    Process process(with_settings(command, {kLong}));
    ASSERT_TRUE(Process::until(60, [&] {
      return !line_of("/proc/" + std::to_string(process.pid()) + "/status", "SigBlk:\t")
                  .ends_with("0000000000000000") &&
             process.err().find(said) != std::string::npos;
    }));
    EXPECT_EQ(stop(process, SIGTERM).end.code, 75) << said;
  }
}

TEST(Stop, OtherCommandsEndAtOnceWith128AndTheSignal) {
  const Workspace work;
  ASSERT_EQ(run(lodestone({"train", work.config()})).code, 0);
  const std::vector<std::vector<std::string>> commands = {
      with_settings(lodestone({"evaluate", work.run(), "--json", work.path("measures.json")}),
                    {kLongEvaluation}),
      lodestone({"bench", "loss", "--sizes", "4096", "--repeat", "1000000"}),
      lodestone({"verify-gradients", work.config(), "--batches", "1000000"}),
  };
  for (const auto& command : commands)
    for (const int signal : {SIGTERM, SIGHUP}) {
      Process process(command);
      ASSERT_TRUE(Process::until(60, [&] { return catches(process.pid(), signal); }));
      const Stopped stopped = stop(process, signal);
      EXPECT_EQ(stopped.end.code, 128 + signal) << command[1] << stopped.end.err;
      EXPECT_LT(stopped.seconds, kAtOnce);
    }
  EXPECT_FALSE(fs::exists(work.path("measures.json")));
}

TEST(Log, AWholeRunInJsonIsJson) {
  const Workspace work;
  const Finished end = run(train(work, {{"log.format=json", "evaluate.data.path=pictures"}}));
  ASSERT_EQ(end.code, 0) << end.err;
  std::istringstream lines(end.err);
  int count = 0, with_step = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    ASSERT_FALSE(json.is_discarded()) << line;
    for (const char* key : {"time", "level", "rank", "message"}) EXPECT_TRUE(json.contains(key)) << line;
    with_step += json.contains("step") ? 1 : 0;
  }
  EXPECT_GT(count, 2);
  EXPECT_GT(with_step, 0);
}

TEST(Log, TheVariableWorksBeforeTheConfigurationIsRead) {
  const Finished end =
      run({"env", "LODESTONE_LOG_FORMAT=json", LODESTONE_PROGRAM, "train", "/no/such/file.yaml"});
  EXPECT_EQ(end.code, 2);
  const auto json = nlohmann::json::parse(end.err, nullptr, false);
  ASSERT_FALSE(json.is_discarded()) << end.err;
  EXPECT_EQ(json["level"], "error");
  EXPECT_EQ(run({"env", "LODESTONE_LOG_FORMAT=xml", LODESTONE_PROGRAM, "doctor"}).code, 2);
}

// Whatever is wrong: the value on the command line is known first.
TEST(Log, ErrorsHaveTheFormatThatTheCommandLineAsksFor) {
  const Workspace work;
  const std::vector<std::vector<std::string>> commands = {
      {"train", work.config(), "--set", "log.format=json", "--set", "foo=1"},
      {"train", "--set=log.format=json"},
      {"trian", "--set", "log.format=text", "--set", "log.format=json"},
      {"launch", "--", "train", "/no/such/file.yaml", "--set", "log.format=json"}};
  for (const auto& words : commands) {
    const Finished end = run(lodestone(words));
    EXPECT_EQ(end.code, 2) << end.err;
    EXPECT_FALSE(nlohmann::json::parse(end.err, nullptr, false).is_discarded()) << end.err;
  }
  EXPECT_THAT(run(lodestone({"train", "/no/such/file.yaml", "--set", "log.format=xml"})).err,
              ::testing::StartsWith("lodestone: error: "));
}

TEST(Log, ARemovedWorkingFolderIsReportedInOurWordsAlone) {
  const TempFolder folder;
  const std::string gone = folder.path() / "gone";
  const Finished end = run({"sh", "-c", "mkdir \"$1\" && cd \"$1\" && rmdir \"$1\" && exec \"$2\" config",
                            "sh", gone, LODESTONE_PROGRAM});
  EXPECT_EQ(end.code, 2);
  EXPECT_THAT(end.err, ::testing::StartsWith("lodestone: error: working folder: "));
  EXPECT_EQ(std::count(end.err.begin(), end.err.end(), '\n'), 1) << end.err;
}

TEST(Log, WhatMpirunSaysUnderLaunchHasTheFormatAskedFor) {
  const Workspace work;
  auto command = lodestone({"launch", "-n", "2", "--max-restarts", "0", "--", "train", work.config()});
  const Finished end = run(with_settings(command, {{"log.format=json", "data.train.path=nowhere"}}));
  EXPECT_EQ(end.code, 3);
  std::istringstream lines(end.err);
  int of_mpirun = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    ASSERT_FALSE(json.is_discarded()) << line;
    of_mpirun += json.contains("rank") ? 0 : 1;
  }
  EXPECT_GT(of_mpirun, 0);
}

}  // namespace
}  // namespace lodestone::testing
