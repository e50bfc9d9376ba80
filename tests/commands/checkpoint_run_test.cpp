// Checkpoints of runs as users see them: when they are saved, which stay, and that a run resumes as if it had
// never stopped.
#include <set>

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/rng.h"
#include "support/program.h"
#include "support/run_lines.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"
#include "trainer/coordinator/checkpoints/run_folder.h"

namespace lodestone::testing {
using namespace coordinator;
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;
using Words = std::vector<std::string>;

std::vector<int64_t> events(const Workspace& work, const std::string& name) {
  std::vector<int64_t> steps;
  for (const auto& line : lines_of(work.run(), "event"))
    if (line["event"] == name) steps.push_back(line["step"]);
  return steps;
}

std::vector<int64_t> saved_steps(const Workspace& work) {
  std::vector<int64_t> steps;
  for (const auto& path : list_checkpoints(work.run() / "checkpoints")) {
    const CheckpointReport report = verify_checkpoint(path);
    EXPECT_TRUE(report.ok()) << report.damage();
    steps.push_back(report.step);
  }
  return steps;
}

// All files of the newest checkpoint that hold state.
std::string newest_state(const Workspace& work) {
  const auto newest = list_checkpoints(work.run() / "checkpoints").front();
  std::string all;
  for (const auto& entry : std::set<fs::path>(fs::directory_iterator(newest), {}))
    if (entry.extension() == ".safetensors" || entry.filename() == "state.json")
      all += entry.filename().string() + contents(entry);
  return all;
}

Words train(const Workspace& work, const Words& settings) {
  Words words = lodestone({"train", work.config()});
  for (const auto& setting : settings) words.insert(words.end(), {"--set", setting});
  return words;
}

bool reached(const Workspace& work, int64_t step) {
  const std::string wanted = "\"step\":" + std::to_string(step);
  return Process::until(
      60, [&] { return contents(work.run() / "metrics.jsonl").find(wanted) != std::string::npos; });
}

TEST(CheckpointRun, Sigusr2SavesAndTrainingContinuesUnderMpirunToo) {
  for (const int ranks : {1, 2}) {
    const Workspace work;
    const Words command = train(work, {"schedule.steps=100000", "checkpoint.every_steps=0"});
    Process process(ranks == 1 ? command : mpirun(ranks, command));
    ASSERT_TRUE(reached(work, 20));
    process.signal(SIGUSR2);
    ASSERT_TRUE(Process::until(60, [&] { return events(work, "checkpoint").size() == 1; }));
    const int64_t saved = events(work, "checkpoint").front();
    EXPECT_THAT(saved_steps(work), ElementsAre(saved));
    ASSERT_TRUE(reached(work, saved + 20)) << "training continues";
    process.signal(SIGUSR2);
    ASSERT_TRUE(Process::until(60, [&] { return events(work, "checkpoint").size() == 2; }))
        << "again and again";
    process.signal(SIGUSR1);
    EXPECT_EQ(process.wait().code, 75);
    EXPECT_EQ(saved_steps(work).size(), 2u);
  }
}

TEST(CheckpointRun, ByTimeAndByStepAndTheBestStay) {
  const Workspace work;
  work.write_config("evaluate: {every: 2, data: {path: pictures}}\n");
  const Finished done = run(train(
      work, {"schedule.steps=12", "checkpoint.every_steps=2", "checkpoint.keep_last=1",
             "checkpoint.keep_every=4", "checkpoint.keep_best.count=1", "checkpoint.every_minutes=1e-9"}));
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(events(work, "checkpoint").size(), 12u) << "every step, as every_minutes asks for";
  double best = -1;
  int64_t best_step = 0;
  for (const auto& line : lines_of(work.run(), "eval"))
    if (line["recall_at_1"].get<double>() >= best && line["step"] != 12) {
      best = line["recall_at_1"];
      best_step = line["step"];
    }
  const std::set<int64_t> expected = {12, 8, 4, best_step};
  EXPECT_THAT(saved_steps(work), ::testing::ElementsAreArray(expected.rbegin(), expected.rend()));
  const Finished inspect = run(
      lodestone({"inspect", work.run() / "checkpoints" / ("step-0000000" + std::to_string(best_step % 10))}));
  if (best_step < 10) {
    EXPECT_THAT(inspect.out, HasSubstr("recall_at_1"));
  }
}

TEST(CheckpointRun, ADiskThatTakesNoMoreCostsCheckpointsAndNotTheRun) {
  const Workspace work;
  // Weights exceed the largest file allowed from here on; metrics and configuration don't.
  const Words command = {"bash", "-c", "trap '' XFSZ; ulimit -f 16; exec \"$@\"", "bash"};
  Words limited = command;
  for (const auto& word : train(work, {"encoder.channels=[32,32,32]", "schedule.steps=8"}))
    limited.push_back(word);
  const Finished done = run(limited);
  EXPECT_EQ(done.code, 1) << done.err;
  EXPECT_EQ(losses(work.run()).size(), 8u);
  EXPECT_THAT(events(work, "checkpoint_failed"), ElementsAre(4, 8));
  EXPECT_THAT(done.err, HasSubstr("File too large"));
  for (const auto& entry : fs::directory_iterator(work.run() / "checkpoints"))
    ADD_FAILURE() << entry.path() << " is left";
}

TEST(CheckpointRun, ADamagedOneIsNamedInTheMetrics) {
  const Workspace work;
  ASSERT_EQ(run(train(work, {})).code, 0);
  std::ofstream(work.run() / "checkpoints/step-00000008/state.json") << "{}";
  ASSERT_EQ(run(train(work, {})).code, 0);
  EXPECT_THAT(events(work, "checkpoint_damaged"), ElementsAre(4));
  EXPECT_EQ(verify_checkpoint(work.run() / "checkpoints/step-00000008").generation, 1);
}

// Everything that has state: average, momentum encoder with its queue, learned sampler, statistics of each
// rank.
Words settings_of_all_state() {
  return {"schedule.steps=24",
          "checkpoint.every_steps=3",
          "ema.decay=0.9",
          "memory.kind=momentum",
          "memory.size=40",
          "sampler.name=hard_class",
          "sampler.hard_class.cluster=2",
          "sampler.hard_class.refresh=4",
          "data.loader.depth=1",
          "batch_norm=local"};
}

// Ranks outlive a killed mpirun for a moment, in which the run folder is theirs.
bool is_free(const Workspace& work) {
  try {
    const RunLock lock{RunFolder(work.run())};
    return true;
  } catch (const IoError&) {
    return false;
  }
}

// Killed after a random step, twice, each time started again, until it ends by itself.
void train_with_kills(const Workspace& work, const Words& command, Random& random) {
  for (int64_t first : {6, 14}) {
    Process process(command);
    const int64_t step = first + static_cast<int64_t>(random.below(7));
    ASSERT_TRUE(reached(work, step));
    process.signal(SIGKILL);
    process.wait();
    ASSERT_TRUE(Process::until(60, [&] { return is_free(work); }));
  }
  const Finished last = run(command);
  EXPECT_EQ(last.code, 0) << last.err;
}

TEST(CheckpointRun, InterruptedAnywhereEndsInTheSameBits) {
  Random random(6, Purpose::kTrials);
  for (const int ranks : {1, 2}) {
    const Workspace whole, parts;
    const auto command = [&](const Workspace& work) {
      return ranks == 1 ? train(work, settings_of_all_state())
                        : mpirun(ranks, train(work, settings_of_all_state()));
    };
    ASSERT_EQ(run(command(whole)).code, 0);
    train_with_kills(parts, command(parts), random);
    EXPECT_GE(events(parts, "restart").size(), 1u);
    EXPECT_EQ(losses(parts.run()), losses(whole.run()));
    EXPECT_EQ(newest_state(parts), newest_state(whole));
  }
}

// Weights of the newest checkpoint, side by side with another run's.
double largest_difference(const Workspace& a, const Workspace& b) {
  const auto model = [](const Workspace& work) {
    return load_checkpoint(work.run()).snapshot.tensors.at("model");
  };
  double largest = 0;
  const TensorMap of_b = model(b);
  for (const auto& [name, tensor] : model(a))
    largest = std::max(largest, (tensor - of_b.at(name)).abs().max().item<double>());
  return largest;
}

TEST(CheckpointRun, ContinuesWithAnotherNumberOfRanks) {
  const Words settings = {"schedule.steps=12", "checkpoint.every_steps=6", "memory.kind=xbm",
                          "memory.size=40"};
  const auto command = [&](int ranks, const Workspace& work) { return mpirun(ranks, train(work, settings)); };
  const Workspace whole;
  ASSERT_EQ(run(command(1, whole)).code, 0);
  for (const auto& [before, after] : {std::pair{1, 4}, {4, 2}, {2, 1}}) {
    const Workspace parts;
    ASSERT_EQ(run(command(before, parts)).code, 0);
    fs::remove_all(parts.run() / "checkpoints/step-00000012");
    const Finished resumed = run(command(after, parts));
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_THAT(resumed.err, HasSubstr("at step 6"));
    EXPECT_LT(largest_difference(parts, whole), 1e-4) << before << " ranks, then " << after;
  }
}

// determinism: canonical, with all that has state: one process, ranks, and a run that changes the number of
// ranks on its way.
TEST(CheckpointRun, CanonicalIsBitIdenticalOnAnyNumberOfRanks) {
  Words settings = settings_of_all_state();
  settings.insert(settings.end(), {"determinism=canonical", "schedule.steps=12", "checkpoint.every_steps=4",
                                   "checkpoint.keep_last=9"});
  const auto command = [&](int ranks, const Workspace& work) {
    return ranks == 1 ? train(work, settings) : mpirun(ranks, train(work, settings));
  };
  const Workspace whole;
  const Finished one = run(command(1, whole));
  ASSERT_EQ(one.code, 0) << one.err;
  for (const int ranks : {2, 3}) {
    const Workspace other;
    const Finished done = run(command(ranks, other));
    ASSERT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(losses(other.run()), losses(whole.run())) << ranks << " ranks";
    EXPECT_EQ(newest_state(other), newest_state(whole)) << ranks << " ranks";
    fs::remove_all(other.run() / "checkpoints/step-00000012");
    fs::remove_all(other.run() / "checkpoints/step-00000008");
    const Finished resumed = run(command(ranks == 2 ? 4 : 1, other));
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_THAT(resumed.err, HasSubstr("at step 4"));
    EXPECT_EQ(losses(other.run()), losses(whole.run())) << "behind " << ranks << " ranks";
    EXPECT_EQ(newest_state(other), newest_state(whole)) << "behind " << ranks << " ranks";
  }
}

TEST(CheckpointRun, CanonicalRefusesMoreRanksThanMicroShards) {
  const Workspace work;
  const Finished done =
      run(mpirun(2, train(work, {"determinism=canonical", "batch_norm=local", "micro_shards=1"})));
  EXPECT_EQ(done.code, 2) << done.err;
  EXPECT_THAT(done.err, HasSubstr("micro_shards: expected at least one for each of the 2 ranks"));
}

}  // namespace
}  // namespace lodestone::testing
