// Ranks as real processes under mpirun.
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/program.h"
#include "support/run_lines.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone::testing {
using namespace coordinator;
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

TEST(Mpirun, TwoRanksFollowTheCurveOfOneFor50Steps) {
  const Workspace one, two;
  const std::vector<std::string> more = {"--set", "schedule.steps=50", "--set", "checkpoint.every_steps=0"};
  const auto command = [&](const Workspace& work) {
    auto words = lodestone({"train", work.config()});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  ASSERT_EQ(run(command(one)).code, 0);
  const Finished ranks = run(mpirun(2, command(two)));
  ASSERT_EQ(ranks.code, 0) << ranks.err;
  const auto expected = losses(one.run()), got = losses(two.run());
  ASSERT_EQ(got.size(), 50u);
  for (size_t i = 0; i < 50; ++i) EXPECT_NEAR(got[i], expected[i], 1e-4 * expected[i]) << "step " << i + 1;
}

TEST(Mpirun, VerifyGradientsHoldsOnEveryRankCount) {
  const Workspace work;
  for (const int ranks : {2, 3})
    for (const std::vector<std::string>& settings :
         {std::vector<std::string>{"batch_norm=sync"},
          {"batch_norm=local"},
          {"exchange=ring"},
          {"memory.kind=xbm", "memory.size=24", "memory.start_step=1"},
          {"memory.kind=momentum", "memory.size=24"},
          {"micro_batch=3", "batch_norm=local"},
          {"determinism=canonical", "micro_shards=4", "batch_norm=local"},
          {"determinism=canonical", "micro_shards=4", "batch_norm=local", "memory.kind=momentum",
           "memory.size=24"}}) {
      auto command = lodestone({"verify-gradients", work.config(), "--all"});
      for (const std::string& setting : settings) command.insert(command.end(), {"--set", setting});
      const Finished verify = run(mpirun(ranks, command));
      EXPECT_EQ(verify.code, 0) << settings[0] << verify.out << verify.err;
      EXPECT_THAT(verify.out, HasSubstr(std::to_string(ranks) + " ranks against one process"));
      // Whatever gradient a miner leaves: one that is zero for no row stands for all.
      for (const char* pass : {"direct", "micro-batched", "canonical"})
        EXPECT_THAT(verify.out, ContainsRegex(std::string("any +any +16 +encoder gradient, ") + pass));
    }
}

TEST(Mpirun, ResumingIsBitIdenticalAtTheSameWorldSize) {
  const Workspace whole, parts;
  ASSERT_EQ(run(mpirun(2, lodestone({"train", whole.config()}))).code, 0);
  ASSERT_EQ(run(mpirun(2, lodestone({"train", parts.config()}))).code, 0);
  fs::remove_all(parts.run() / "checkpoints" / "step-00000008");
  ASSERT_EQ(run(mpirun(2, lodestone({"train", parts.config()}))).code, 0);
  EXPECT_EQ(losses(parts.run()), losses(whole.run()));
  for (const char* file : {"model.safetensors", "optimizer.safetensors"})
    EXPECT_EQ(contents(parts.run() / "checkpoints/step-00000008" / file),
              contents(whole.run() / "checkpoints/step-00000008" / file));
}

TEST(Mpirun, Usr1ReachesEveryRankSavesOneStepAndExits75) {
  const Workspace work;
  Process process(mpirun(2, lodestone({"train", work.config(), "--set", "schedule.steps=100000", "--set",
                                       "checkpoint.every_steps=0"})));
  ASSERT_TRUE(Process::until(
      60, [&] { return contents(work.run() / "metrics.jsonl").find("\"step\":20") != std::string::npos; }));
  process.signal(SIGUSR1);
  const Finished stopped = process.wait();
  EXPECT_EQ(stopped.code, 75) << stopped.err;
  const auto checkpoints = list_checkpoints(work.run() / "checkpoints");
  ASSERT_EQ(checkpoints.size(), 1u);
  EXPECT_TRUE(verify_checkpoint(checkpoints.front()).ok());
  EXPECT_EQ(static_cast<size_t>(load_checkpoint(checkpoints.front()).step), losses(work.run()).size());
}

TEST(Mpirun, DoctorMeasuresAllPairs) {
  const Workspace work;
  const Finished doctor = run(mpirun(3, lodestone({"doctor", "--json", "--folder", work.path("")})), 60);
  EXPECT_EQ(doctor.code, 0) << doctor.out << doctor.err;
  std::map<std::string, nlohmann::json> found;
  for (const auto& line : nlohmann::json::parse(doctor.out)) found[line["what"]] = line;
  ASSERT_EQ(found["latency"]["figures"]["pairs"].size(), 3u);
  for (const auto& pair : found["latency"]["figures"]["pairs"]) {
    EXPECT_GT(pair["latency_seconds"], 0) << pair;
    EXPECT_GT(pair["bytes_per_second"], 1e6) << pair;
  }
  // One host has one clock.
  EXPECT_LE(found["clocks"]["figures"]["seconds"].get<double>(),
            found["clocks"]["figures"]["known_to_seconds"].get<double>() + 2e-6);
  EXPECT_EQ(found["folder: shared"]["fails"], false);
  EXPECT_THAT(found["launcher"]["state"].get<std::string>(), HasSubstr("rank 0 of 3"));
}

TEST(Mpirun, EvaluateGivesTheSameFiguresOnAnyNumberOfRanks) {
  const Workspace work;
  ASSERT_EQ(run(lodestone({"train", work.config(), "--set", "evaluate.data.path=pictures", "--set",
                           "evaluate.one_shot_trials=40", "--set", "evaluate.one_shot_ways=4"}))
                .code,
            0);
  std::vector<std::string> results;
  for (const int ranks : {1, 2, 4}) {
    const std::string json = work.path("r" + std::to_string(ranks) + ".json");
    const Finished evaluate =
        run(mpirun(ranks, lodestone({"evaluate", work.run(), "--json", json, "--bootstrap", "50"})));
    ASSERT_EQ(evaluate.code, 0) << evaluate.err;
    EXPECT_THAT(evaluate.out, HasSubstr("95 % interval"));
    results.push_back(contents(json));
  }
  EXPECT_EQ(results[1], results[0]);
  EXPECT_EQ(results[2], results[0]);
  const auto found = nlohmann::json::parse(results[0]);
  EXPECT_LE(found["intervals"]["recall_at_1"][0], found["recall_at_1"]);
  EXPECT_GE(found["intervals"]["recall_at_1"][1], found["recall_at_1"]);
  EXPECT_GE(found["intervals"]["one_shot_accuracy"][1], found["one_shot_accuracy"]);
  const Finished plain =
      run(lodestone({"evaluate", work.run(), "--bootstrap", "0", "--json", work.path("plain.json")}));
  EXPECT_EQ(plain.code, 0) << plain.err;
  EXPECT_FALSE(nlohmann::json::parse(contents(work.path("plain.json"))).contains("intervals"));
}

TEST(Mpirun, MoreRanksThanRowsIsAClearErrorOnceAndNoHang) {
  const Workspace work;
  const Finished many = run(mpirun(6, lodestone({"train", work.config(), "--set", "global_batch=4"})), 60);
  EXPECT_EQ(many.code, 2) << many.err;
  EXPECT_THAT(many.err, HasSubstr("at least one row for each of the 6 ranks"));
}

// A rank that fails says why, and the job's exit code is that error's on whichever rank it happened.
TEST(Mpirun, ErrorsOfOneRankKeepTheirExitCodeAndMessage) {
  const Workspace work;
  const auto train = [&](const std::vector<std::string>& more) {
    auto command = lodestone({"train", work.config()});
    command.insert(command.end(), more.begin(), more.end());
    return run(mpirun(2, command), 60);
  };
  const Finished folder = train({"--set", "run_dir=" + work.path("pictures/class0/0.png/run").string()});
  EXPECT_EQ(folder.code, 1) << folder.err;
  EXPECT_THAT(folder.err, HasSubstr("0.png/run"));
  const Finished checkpoint = train({"--resume", work.path("nothing")});
  EXPECT_EQ(checkpoint.code, 5) << checkpoint.err;
  EXPECT_THAT(checkpoint.err, HasSubstr("nothing"));
  const Finished address = train({"--set", "metrics.port=9", "--set", "metrics.address=nowhere"});
  EXPECT_EQ(address.code, 2) << address.err;
  // After the last step, on rank 0 alone.
  const Finished runs =
      train({"--set", "evaluate.data.path=pictures", "--set", "evaluate.one_shot_runs=absent"});
  EXPECT_EQ(runs.code, 3) << runs.err;
  EXPECT_THAT(runs.err, HasSubstr("absent"));
}

}  // namespace
}  // namespace lodestone::testing
