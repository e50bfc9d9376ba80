#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/files.h"
#include "common/rng.h"
#include "tests/coordinator/snapshots.h"

namespace lodestone {
using namespace coordinator;
namespace {

using testing::expect_same;
using testing::info_for;
using testing::names_in;
using testing::small_snapshot;

constexpr int kKills = 120;

// Saves step after step and prints each one that was reported as durable, until it is killed.
[[noreturn]] void save_forever(const std::filesystem::path& root, int64_t first, int tell) {
  for (int64_t step = first;; ++step) {
    save_checkpoint(root, small_snapshot(step), info_for(step));
    if (::write(tell, &step, sizeof step) != sizeof step) ::_exit(1);
  }
}

// A process that saves checkpoints; killed at the latest by the destructor.
class Saver {
 public:
  Saver(const std::filesystem::path& root, int64_t first) {
    int ends[2];
    if (::pipe(ends) != 0) throw IoError("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      try {
        save_forever(root, first, ends[1]);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "saver: %s\n", error.what());
      }
      ::_exit(1);
    }
    ::close(ends[1]);
    reported_ = ends[0];
  }
  ~Saver() {
    kill();
    ::close(reported_);
  }

  // Waits for a word of the saver, at most this long.
  bool wait(std::chrono::nanoseconds longest) const {
    pollfd waited{reported_, POLLIN, 0};
    const timespec limit{longest.count() / 1'000'000'000, longest.count() % 1'000'000'000};
    return ::ppoll(&waited, 1, &limit, nullptr) == 1;
  }
  int64_t read_step() const {
    int64_t step = -1;
    return ::read(reported_, &step, sizeof step) == sizeof step ? step : -1;
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  int reported_ = -1;
};

// The last step that a saver, killed after so long, said was durable; `before` if it said none.
int64_t kill_after(const std::filesystem::path& root, int64_t before, std::chrono::nanoseconds moment) {
  Saver saver(root, before + 1);
  int64_t durable = before;
  const auto end = std::chrono::steady_clock::now() + moment;
  for (auto now = std::chrono::steady_clock::now(); now < end; now = std::chrono::steady_clock::now())
    if (saver.wait(end - now)) durable = saver.read_step();
  saver.kill();
  while (saver.wait(std::chrono::nanoseconds(0))) {
    const int64_t step = saver.read_step();
    if (step < 0) break;
    durable = step;
  }
  return durable;
}

TEST(CheckpointKill, WhatWasSavedIsAlwaysThere) {
  const TempFolder root;
  Random random(20, Purpose::kTrials);
  save_checkpoint(root.path(), small_snapshot(1), info_for(1));
  // Kills fall anywhere in about two saves, however fast this disk is.
  const double second_save = save_checkpoint(root.path(), small_snapshot(2), info_for(2)).seconds;
  const auto longest = static_cast<uint64_t>(2e9 * second_save);
  int64_t newest = 2;
  int interrupted = 0;
  // On a busy machine many kills come before the saver began: those are repeated.
  const auto enough = [&](int kills) { return kills >= kKills && interrupted > kKills / 4; };
  for (int kills = 0; !enough(kills) && kills < 10 * kKills && !HasFailure(); ++kills) {
    const int64_t durable = kill_after(root.path(), newest, std::chrono::nanoseconds(random.below(longest)));
    ASSERT_GE(durable, newest);
    for (const auto& name : names_in(root.path())) interrupted += name.find(".tmp") != std::string::npos;

    const Checkpoint loaded = load_checkpoint(
        root.path(), [](const std::string& text) { ADD_FAILURE() << "a torn checkpoint: " << text; });
    EXPECT_GE(loaded.step, durable);
    EXPECT_LE(loaded.step, durable + 1);
    expect_same(loaded.snapshot, small_snapshot(loaded.step));
    newest = loaded.step;
  }
  // If no kill fell into a save, the test would prove nothing.
  EXPECT_GT(interrupted, kKills / 4);
  RecordProperty("interrupted", interrupted);

  save_checkpoint(root.path(), small_snapshot(newest + 1), info_for(newest + 1));
  for (const auto& name : names_in(root.path())) EXPECT_EQ(name.find(".tmp"), std::string::npos) << name;
}

}  // namespace
}  // namespace lodestone
