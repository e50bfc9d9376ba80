// Which rank speaks: an error that all ranks find is printed once, an error of one rank by that rank.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/program.h"

namespace lodestone::testing {
namespace {

using ::testing::HasSubstr;

int count(const std::string& text, const std::string& words) {
  int found = 0;
  for (size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++found;
  return found;
}

/// `train` on three ranks, of which `rank` gets these words beside its configuration, and the others none;
/// -1: all ranks get them.
Finished train_3(const Workspace& work, const std::string& words, int rank = -1) {
  const std::string all = "exec " + std::string(LODESTONE_PROGRAM) + " train " + work.config();
  const std::string script = rank < 0 ? all + " " + words
                                      : "if [ $OMPI_COMM_WORLD_RANK = " + std::to_string(rank) + " ]; then " +
                                            all + " " + words + "; else " + all + "; fi";
  return run(mpirun(3, {"sh", "-c", script}), 90);
}

TEST(RankErrors, ThatAllRanksFindArePrintedOnce) {
  const Workspace work;
  struct Case {
    std::string words, said;
    int code;
  };
  for (const Case& one : {
           Case{"--sed seed=1", "expected an option of `lodestone train`", 2},
           {"--set lr=1 --set seed=-1", "--set lr: unknown key", 2},
           {"--set data.train.path=nowhere", "nowhere", 3},
           {"--set encoder='{name: torchscript, file: some.pt}'", "some.pt, which can't be read", 3},
           {"--resume nowhere", "nowhere", 5},
           {"--set global_batch=2 --set sampler.name=shuffle --set 'sampler.samples_per_class='",
            "at least one row for each of the 3 ranks", 2},
       }) {
    const Finished end = train_3(work, one.words);
    EXPECT_EQ(end.code, one.code) << one.words << end.err;
    EXPECT_EQ(count(end.err, one.said), 1) << one.words << end.err;
  }
}

TEST(RankErrors, CodeThatIsRefusedIsReportedOnce) {
  const Workspace work;
  std::ofstream(work.path("code.yaml")) << "encoder: {name: torchscript, file: some.pt}\n"
                                           "data: {train: {path: nowhere}}\n";
  const Finished end = run(mpirun(3, lodestone({"train", work.path("code.yaml")})), 90);
  EXPECT_EQ(end.code, 2) << end.err;
  EXPECT_EQ(count(end.err, "--allow-code"), 1) << end.err;
}

TEST(RankErrors, OfOneRankBeforeTheStartAreThatRanks) {
  const Workspace work;
  const Finished end = train_3(work, "--set seed=-1", 2);
  EXPECT_EQ(end.code, 2) << end.err;
  EXPECT_EQ(count(end.err, "lodestone: error: rank 2: --set seed: expected a number >= 0"), 1) << end.err;
  EXPECT_EQ(count(end.err, "--set seed"), 1) << end.err;
}

TEST(RankErrors, OfOneRankAmongConnectedOnesAreThatRanks) {
  const Workspace work;
  for (const int rank : {0, 2}) {
    const Finished end = train_3(work, "--set data.train.path=nowhere", rank);
    EXPECT_EQ(end.code, 3) << end.err;
    // Rank 0 says why the job ends.
    EXPECT_EQ(count(end.err, "nowhere"), rank == 0 ? 1 : 2) << end.err;
    EXPECT_THAT(end.err, HasSubstr("error [rank " + std::to_string(rank) + "] data.train.path"));
  }
}

TEST(RankErrors, AStopIsReportedOnce) {
  const Workspace work;
  Process process(mpirun(3, lodestone({"train", work.config(), "--set", "schedule.steps=1000000", "--set",
                                       "checkpoint.every_steps=0"})));
  ASSERT_TRUE(Process::until(
      60, [&] { return contents(work.run() / "metrics.jsonl").find("\"step\":5") != std::string::npos; }));
  process.signal(SIGUSR1);
  const Finished end = process.wait(60);
  EXPECT_EQ(end.code, 75) << end.err;
  EXPECT_EQ(count(end.err, "stopped by signal 10: saved step "), 1) << end.err;
  EXPECT_EQ(count(end.err, "; start the same command again to continue"), 1) << end.err;
  EXPECT_THAT(end.err, HasSubstr(" in " + (work.run() / "checkpoints/step-").string()));
}

}  // namespace
}  // namespace lodestone::testing
