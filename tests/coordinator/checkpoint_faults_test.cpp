#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/files.h"
#include "tests/coordinator/faulty_disk.h"
#include "tests/coordinator/snapshots.h"

// Whichever call of a save fails, and however: the state before or the one after it is there, whole, and
// nothing else.
namespace lodestone {
using namespace coordinator;
namespace {

namespace fs = std::filesystem;
using testing::expect_same;
using testing::Fault;
using testing::FaultyDisk;
using testing::info_for;
using testing::names_in;
using testing::Remains;
using testing::small_snapshot;

// A run's checkpoints: one is there and stays beside the next, or is deleted behind it.
struct Folder {
  explicit Folder(int64_t keep) : keep_last(keep) { save_checkpoint(root, small_snapshot(1), info_for(1)); }

  SavedCheckpoint save(int64_t step) const {
    return save_checkpoint(root, small_snapshot(step), info_for(step, keep_last));
  }
  // One of the two states, as it was saved; returns its step.
  int64_t expect_whole() const {
    const Checkpoint loaded = load_checkpoint(root);
    EXPECT_TRUE(loaded.step == 1 || loaded.step == 2);
    expect_same(loaded.snapshot, small_snapshot(loaded.step));
    return loaded.step;
  }
  void expect_no_leftovers() const {
    for (const auto& name : names_in(root)) EXPECT_EQ(name.find(".tmp"), std::string::npos) << name;
  }

  TempFolder folder;
  fs::path root = folder.path() / "checkpoints";
  int64_t keep_last;
};

int64_t calls_of_a_save(int64_t keep_last) {
  const Folder run(keep_last);
  const FaultyDisk counting(run.folder.path(), Fault::kNone, 0);
  run.save(2);
  return counting.calls();
}

// The step that is there behind a save whose n-th call fails.
int64_t step_behind(const Folder& run, Fault fault, int64_t n, int& struck) {
  bool saved = true;
  {
    const FaultyDisk disk(run.folder.path(), fault, n);
    try {
      run.save(2);
    } catch (const IoError&) {
      saved = false;
    }
    struck += disk.struck();
  }
  const int64_t step = run.expect_whole();
  run.expect_no_leftovers();
  if (saved) {
    EXPECT_EQ(step, 2);
  }
  return step;
}

class EveryCall : public ::testing::TestWithParam<Fault> {};

TEST_P(EveryCall, OfASaveMayFail) {
  int struck = 0, old = 0;
  for (const int64_t keep_last : {2, 1}) {
    const int64_t calls = calls_of_a_save(keep_last);
    ASSERT_GT(calls, 25);
    for (int64_t n = 1; n <= calls && !HasFailure(); ++n) {
      SCOPED_TRACE("call " + std::to_string(n) + " of " + std::to_string(calls));
      const Folder run(keep_last);
      const int64_t step = step_behind(run, GetParam(), n, struck);
      old += step == 1;
      // What is harmless is got over, and behind the others the next save succeeds.
      if (GetParam() == Fault::kShortWrite || GetParam() == Fault::kInterrupted) {
        EXPECT_EQ(step, 2);
      }
      EXPECT_EQ(run.save(2).path.filename(), "step-00000002");
      EXPECT_EQ(run.expect_whole(), 2);
    }
  }
  EXPECT_GT(struck, 8);
  RecordProperty("faults", struck);
  RecordProperty("old_state", old);
}

INSTANTIATE_TEST_SUITE_P(Checkpoint, EveryCall,
                         ::testing::Values(Fault::kNoSpace, Fault::kIoError, Fault::kShortWrite,
                                           Fault::kInterrupted));

class PowerCut : public ::testing::TestWithParam<Remains> {};

TEST_P(PowerCut, AtEveryCallLeavesOneOfTheStates) {
  int cuts = 0, old = 0;
  for (const int64_t keep_last : {2, 1}) {
    const int64_t calls = calls_of_a_save(keep_last);
    for (int64_t n = 1; n <= calls && !HasFailure(); ++n) {
      SCOPED_TRACE("call " + std::to_string(n) + " of " + std::to_string(calls));
      const Folder run(keep_last);
      const pid_t child = ::fork();
      if (child == 0) {
        const FaultyDisk disk(run.folder.path(), Fault::kPowerCut, n, GetParam());
        run.save(2);
        ::_exit(0);
      }
      int status = 0;
      ::waitpid(child, &status, 0);
      ASSERT_EQ(WEXITSTATUS(status), FaultyDisk::kCut);
      ++cuts;
      old += run.expect_whole() == 1;
      run.save(2);
      EXPECT_EQ(run.expect_whole(), 2);
      run.expect_no_leftovers();
    }
  }
  EXPECT_GT(cuts, 50);
  EXPECT_GT(old, 0);
  EXPECT_LT(old, cuts);
  RecordProperty("cuts", cuts);
}

INSTANTIATE_TEST_SUITE_P(Checkpoint, PowerCut,
                         ::testing::Values(Remains{1, true}, Remains{0, true}, Remains{0.5, true},
                                           Remains{1, false}, Remains{0, false}, Remains{0.5, false}));

}  // namespace
}  // namespace lodestone
