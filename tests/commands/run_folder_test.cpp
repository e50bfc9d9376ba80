// Whose a run folder is: nothing in it changes before its lock is held, and only what a run has left is moved
// aside.
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include "support/program.h"
#include "support/run_lines.h"
#include "trainer/coordinator/checkpoints/checkpoint.h"

namespace lodestone::testing {
using namespace coordinator;
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;
using Words = std::vector<std::string>;

// Every name below it with what it holds.
std::map<std::string, std::string> all_in(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    all[entry.path().string()] = entry.is_regular_file() ? contents(entry.path()) : "";
  return all;
}

// Names of those that differ.
Words changed(const std::map<std::string, std::string>& before,
              const std::map<std::string, std::string>& after) {
  Words names;
  for (const auto& [name, bytes] : before)
    if (!after.contains(name) || after.at(name) != bytes) names.push_back(name);
  for (const auto& [name, bytes] : after)
    if (!before.contains(name)) names.push_back(name);
  return names;
}

Words train(const Workspace& work, const Words& more) {
  Words words = lodestone({"train", work.config()});
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(RunFolderInUse, ASecondJobThatIsRefusedChangesNothing) {
  const Workspace work;
  Words begin = {"bash", "-c", "echo $$ > \"$0\"; exec \"$@\"", work.path("pid")};
  for (const auto& word : train(work, {"--set", "schedule.steps=1000000"})) begin.push_back(word);
  const Process first(begin);
  ASSERT_TRUE(Process::until(60, [&] { return list_checkpoints(work.run() / "checkpoints").size() >= 2; }));
  const pid_t pid = std::stoi(contents(work.path("pid")));
  first.signal(SIGSTOP);  // what changes from here on, others have changed
  int status = 0;
  ASSERT_TRUE(Process::until(60, [&] { return ::waitpid(pid, &status, WUNTRACED | WNOHANG) == pid; }));
  ASSERT_TRUE(WIFSTOPPED(status));
  const fs::path checkpoint = list_checkpoints(work.run() / "checkpoints").back();
  const auto before = all_in(work.path(""));
  const Words other = {"--set", "optimizer.learning_rate=0.5", "--set", "global_batch=32"};
  const auto plus = [&other](Words words) {
    words.insert(words.end(), other.begin(), other.end());
    return words;
  };
  for (const Words& command : {train(work, other), train(work, plus({"--resume", "none"})),
                               train(work, plus({"--resume", checkpoint.string()})),
                               mpirun(2, train(work, other)), mpirun(2, train(work, {"--resume", "none"})),
                               train(work, plus({"--set", "data.train.path=nowhere"}))}) {
    const Finished second = run(command);
    EXPECT_EQ(second.code, 1) << second.err;
    EXPECT_THAT(second.err, HasSubstr("another process is training in"));
    EXPECT_THAT(changed(before, all_in(work.path(""))), IsEmpty());
  }
  // Evaluating it is allowed; the report is the run's own to write.
  const Finished evaluated = run(lodestone({"evaluate", work.run(), "--set", "evaluate.data.path=pictures"}));
  EXPECT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_THAT(evaluated.out, HasSubstr("recall_at_1"));
  EXPECT_THAT(evaluated.err, HasSubstr("the report is not written"));
  const Finished kept =
      run(lodestone({"evaluate", work.run(), "--set", "evaluate.data.path=pictures", "--calibrate", "0.1"}));
  EXPECT_EQ(kept.code, 1) << kept.err;
  EXPECT_THAT(kept.out, HasSubstr("recall_at_1"));
  EXPECT_THAT(changed(before, all_in(work.path(""))), IsEmpty());
  first.signal(SIGCONT);
}

TEST(RunFolder, AReportThatCannotBeWrittenCostsTheReportAlone) {
  const Workspace work;
  work.write_config("evaluate: {data: {path: pictures}}\n");
  fs::create_directories(work.run() / "report.html/in the way");
  const Finished trained = run(train(work, {}));
  EXPECT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.err, HasSubstr("the report is not written"));
  const Finished evaluated = run(lodestone({"evaluate", work.run(), "--json", work.path("result.json")}));
  EXPECT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_THAT(evaluated.err, HasSubstr("the report is not written"));
  EXPECT_TRUE(fs::exists(work.path("result.json")));
}

TEST(ResumeNone, LeavesAFolderThatIsNoRunsWhereItIs) {
  const Workspace work;
  fs::create_directories(work.run() / "checkpoints-of-mine");
  std::ofstream(work.run() / "notes.txt") << "keep";
  std::ofstream(work.run() / "config.yaml") << "of something else";
  const Finished refused = run(train(work, {"--resume", "none"}));
  EXPECT_EQ(refused.code, 2) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("does not belong to a run"));
  EXPECT_EQ(contents(work.run() / "config.yaml"), "of something else");
  fs::remove(work.run() / "config.yaml");
  const Finished done = run(train(work, {"--resume", "none"}));
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(contents(work.run() / "notes.txt"), "keep");
  EXPECT_FALSE(fs::exists(work.run().string() + ".1"));
  EXPECT_EQ(losses(work.run()).size(), 8u);
  // Now it is a run's, with all that lies in it.
  EXPECT_EQ(run(train(work, {"--resume", "none"})).code, 0);
  EXPECT_EQ(contents(work.run().string() + ".1/notes.txt"), "keep");
  EXPECT_FALSE(fs::exists(work.run() / "notes.txt"));
}

TEST(ResumeNone, MovesWhatIsLeftOfARunHoweverLittle) {
  for (const char* lost : {"config.yaml", "metrics.jsonl", "checkpoints"}) {
    const Workspace work;
    ASSERT_EQ(run(train(work, {})).code, 0);
    fs::remove_all(work.run() / lost);
    const Finished again = run(train(work, {"--resume", "none"}));
    EXPECT_EQ(again.code, 0) << lost << again.err;
    EXPECT_TRUE(fs::exists(work.run().string() + ".1")) << lost;
  }
}

TEST(ResumeNone, OnAMountPointSaysSo) {
  const Workspace work;
  fs::create_directories(work.run());
  if (::mount("tmpfs", work.run().c_str(), "tmpfs", 0, "size=8m") != 0)
    GTEST_SKIP() << "a mount point needs the right to mount";
  const Finished first = run(train(work, {"--resume", "none"}));
  const auto before = all_in(work.run());
  const Finished again = run(train(work, {"--resume", "none"}));
  EXPECT_THAT(changed(before, all_in(work.run())), IsEmpty());
  const Finished goes_on = run(train(work, {"--set", "schedule.steps=9"}));
  ::umount(work.run().c_str());
  EXPECT_EQ(first.code, 0) << first.err << "an empty one holds no run to move";
  EXPECT_EQ(again.code, 2) << again.err;
  EXPECT_THAT(again.err, HasSubstr("mount point"));
  EXPECT_EQ(goes_on.code, 0) << goes_on.err;
}

TEST(ResumeNone, NeverMovesTheFolderItWorksIn) {
  const Workspace work;
  ASSERT_EQ(run(train(work, {})).code, 0);
  const Finished done =
      run({"bash", "-c", "cd \"$1\" && exec \"$0\" train \"$2\" --set run_dir=. --resume none",
           LODESTONE_PROGRAM, work.run(), work.config()});
  EXPECT_EQ(done.code, 2) << done.err;
  EXPECT_THAT(done.err, HasSubstr("which the command works in"));
  EXPECT_EQ(losses(work.run()).size(), 8u);
}

}  // namespace
}  // namespace lodestone::testing
