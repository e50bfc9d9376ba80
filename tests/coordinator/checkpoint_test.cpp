#include "trainer/coordinator/checkpoints/checkpoint.h"

#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/files.h"
#include "tests/coordinator/snapshots.h"
#include "trainer/coordinator/checkpoints/run_folder.h"

namespace lodestone {
using namespace coordinator;
namespace {

namespace fs = std::filesystem;
using testing::expect_same;
using testing::info_for;
using testing::names_in;
using testing::small_snapshot;

TEST(Checkpoint, RoundTrip) {
  const TempFolder folder;
  const fs::path root = folder.path() / "checkpoints";
  const auto saved = save_checkpoint(root, small_snapshot(100), info_for(100));
  EXPECT_EQ(saved.path, root / "step-00000100");
  EXPECT_FALSE(saved.kept);
  EXPECT_THAT(names_in(root), ::testing::ElementsAre("latest", "step-00000100"));
  EXPECT_THAT(names_in(saved.path),
              ::testing::ElementsAre("MANIFEST.json", "config.yaml", "model.safetensors",
                                     "optimizer.safetensors", "state.json"));
  uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(saved.path)) bytes += entry.file_size();
  EXPECT_EQ(saved.bytes, bytes);
  EXPECT_EQ(read_file(root / "latest"), "step-00000100\n");

  // The checkpoint, the folder of checkpoints and the run folder all lead to it.
  for (const auto& path : {saved.path, root, folder.path()}) {
    const Checkpoint loaded = load_checkpoint(path);
    EXPECT_EQ(loaded.path, saved.path);
    EXPECT_EQ(loaded.step, 100);
    EXPECT_EQ(loaded.world, 2);
    EXPECT_EQ(loaded.config_yaml, info_for(100).config_yaml);
    expect_same(loaded.snapshot, small_snapshot(100));
  }
}

TEST(Checkpoint, ReportListsFilesAndTensors) {
  const TempFolder root;
  const auto report = verify_checkpoint(save_checkpoint(root.path(), small_snapshot(1), info_for(1)).path);
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.damage(), "");
  EXPECT_EQ(report.step, 1);
  EXPECT_EQ(report.world, 2);
  EXPECT_EQ(report.config_hash, checksum(info_for(1).config_yaml));
  EXPECT_THAT(report.build, ::testing::HasSubstr("lodestone "));
  EXPECT_EQ(report.items.size(), 5U + 6U);
}

TEST(Checkpoint, SameSnapshotSameBytes) {
  const TempFolder a;
  const TempFolder b;
  const auto first = save_checkpoint(a.path(), small_snapshot(7), info_for(7)).path;
  const auto second = save_checkpoint(b.path(), small_snapshot(7), info_for(7)).path;
  for (const auto& name : names_in(first))
    EXPECT_EQ(read_file(first / name), read_file(second / name)) << name;
}

TEST(Checkpoint, KeepsTheLastAndDeletesOlder) {
  const TempFolder root;
  for (const int64_t step : {10, 20, 30, 40})
    save_checkpoint(root.path(), small_snapshot(step), info_for(step, 2));
  EXPECT_THAT(names_in(root.path()), ::testing::ElementsAre("latest", "step-00000030", "step-00000040"));
  save_checkpoint(root.path(), small_snapshot(50), info_for(50, 0));
  EXPECT_EQ(list_checkpoints(root.path()).size(), 3U);
  // What was just saved stays, and what lies beyond it.
  save_checkpoint(root.path(), small_snapshot(5), info_for(5, 1));
  EXPECT_THAT(names_in(root.path()), ::testing::ElementsAre("latest", "step-00000005", "step-00000030",
                                                            "step-00000040", "step-00000050"));
}

TEST(Checkpoint, StepsBeyondEightDigitsStayInOrder) {
  const TempFolder root;
  for (const int64_t step : {99'999'999LL, 100'000'000LL})
    save_checkpoint(root.path(), small_snapshot(1), info_for(step));
  EXPECT_EQ(load_checkpoint(root.path()).step, 100'000'000);
}

TEST(Checkpoint, SameStepIsKeptIfWholeAndOfTheSameConfig) {
  const TempFolder root;
  const auto first = save_checkpoint(root.path(), small_snapshot(1), info_for(1));
  const auto before = fs::last_write_time(first.path / "model.safetensors");
  const auto again = save_checkpoint(root.path(), small_snapshot(1), info_for(1));
  EXPECT_TRUE(again.kept);
  EXPECT_EQ(again.bytes, first.bytes);
  EXPECT_EQ(fs::last_write_time(first.path / "model.safetensors"), before);

  std::vector<std::string> warnings;
  const Warn warn = [&](const std::string& text) { warnings.push_back(text); };
  SaveInfo other = info_for(1);
  other.config_yaml += "margin: 1\n";
  EXPECT_FALSE(save_checkpoint(root.path(), small_snapshot(2), other, warn).kept);
  expect_same(load_checkpoint(root.path()).snapshot, small_snapshot(2));

  std::ofstream(first.path / "state.json") << "{}";
  EXPECT_FALSE(save_checkpoint(root.path(), small_snapshot(3), other, warn).kept);
  expect_same(load_checkpoint(root.path()).snapshot, small_snapshot(3));
  EXPECT_THAT(names_in(root.path()), ::testing::ElementsAre("latest", "step-00000001"));
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_THAT(warnings[0], ::testing::HasSubstr("another configuration"));
  EXPECT_THAT(warnings[1], ::testing::HasSubstr("state.json"));
}

TEST(Checkpoint, TemporariesOfTheDeadAreRemoved) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  const TempFolder root;
  const std::string dead = std::to_string(child);
  fs::create_directories(root.path() / ("step-00000009.tmp-" + dead) / "inside");
  fs::create_directory(root.path() / ("step-00000008.tmp-" + dead + "-old"));
  fs::create_directory(root.path() / ("step-00000007.tmp-" + std::to_string(::getpid())));
  std::ofstream(root.path() / ("latest.tmp" + dead)) << "half";
  fs::create_directory(root.path() / ("step-00000006.tmp-" + std::to_string(::getppid())));
  fs::create_directory(root.path() / "mine.tmp-1");
  save_checkpoint(root.path(), small_snapshot(1), info_for(1));
  EXPECT_THAT(names_in(root.path()),
              ::testing::UnorderedElementsAre("latest", "mine.tmp-1", "step-00000001",
                                              "step-00000006.tmp-" + std::to_string(::getppid())));
}

TEST(Checkpoint, NothingToLoad) {
  const TempFolder root;
  EXPECT_EQ(newest_checkpoint(root.path()), std::nullopt);
  EXPECT_EQ(newest_checkpoint(root.path() / "absent"), std::nullopt);
  EXPECT_THROW(load_checkpoint(root.path()), CheckpointError);
  EXPECT_THROW(load_checkpoint(root.path() / "absent"), CheckpointError);
  EXPECT_THROW(load_checkpoint(root.path() / "step-00000001"), CheckpointError);
  EXPECT_THAT(verify_checkpoint(root.path()).damage(), ::testing::HasSubstr("MANIFEST.json"));
}

TEST(Checkpoint, WhatCannotBeStoredIsRefusedAndLeavesNothing) {
  const TempFolder root;
  save_checkpoint(root.path(), small_snapshot(1), info_for(1));
  std::vector<Snapshot> bad(4, small_snapshot(2));
  bad[0].state["loss"] = {1.0, std::nan("")};
  bad[1].state["name"] = "\xff";
  bad[2].tensors["../model"] = {};
  bad[3].tensors["model"]["undefined"] = at::Tensor();
  for (const auto& snapshot : bad)
    EXPECT_THROW(save_checkpoint(root.path(), snapshot, info_for(2)), CheckpointError);
  EXPECT_THAT(names_in(root.path()), ::testing::ElementsAre("latest", "step-00000001"));
}

TEST(RunFolder, NamesAndConfig) {
  const TempFolder folder;
  const RunFolder run(folder.path() / "runs" / "faces");
  run.prepare("seed: 1\n");
  EXPECT_EQ(run.name(), "faces");
  EXPECT_EQ(RunFolder("runs/faces/").name(), "faces");
  EXPECT_EQ(read_file(run.config()), "seed: 1\n");
  EXPECT_TRUE(fs::is_directory(run.checkpoints()));
  std::ofstream(folder.path() / "file") << "x";
  EXPECT_THROW(RunFolder(folder.path() / "file" / "run").prepare(""), IoError);
}

}  // namespace
}  // namespace lodestone
