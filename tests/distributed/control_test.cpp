// The control plane with every rank in one process; real processes die in mpi_faults_test.

#include "distributed/control.h"

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "common/error.h"

namespace lodestone {
namespace {

using std::chrono::milliseconds;

ControlOptions options_of(int rank, int world, int port = 0) {
  ControlOptions options;
  options.rank = rank;
  options.world = world;
  options.port = port;
  options.peer_timeout = milliseconds(400);
  return options;
}

// Polls until it holds; a test that would hang fails instead.
bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

std::vector<std::unique_ptr<ControlPlane>> planes(int world) {
  std::vector<std::unique_ptr<ControlPlane>> all;
  all.push_back(std::make_unique<ControlPlane>(options_of(0, world)));
  for (int r = 1; r < world; ++r)
    all.push_back(std::make_unique<ControlPlane>(options_of(r, world, all[0]->port())));
  return all;
}

// Rank 0 waits for the others to leave, so it goes last.
void leave(std::vector<std::unique_ptr<ControlPlane>>& all) {
  while (!all.empty()) all.pop_back();
}

TEST(Control, healthy_ranks_are_seen_with_their_steps_and_nobody_is_accused) {
  auto all = planes(3);
  for (int r = 0; r < 3; ++r) all[static_cast<size_t>(r)]->set_step(10 + r);
  EXPECT_TRUE(eventually([&] {
    const auto peers = all[0]->peers();
    return peers[0].step == 10 && peers[1].step == 11 && peers[2].step == 12;
  }));
  const auto until = std::chrono::steady_clock::now() + milliseconds(900);  // two peer timeouts
  EXPECT_TRUE(eventually([&] {
    for (const auto& plane : all) EXPECT_FALSE(plane->failure().has_value()) << *plane->failure();
    return std::chrono::steady_clock::now() > until;
  }));
  leave(all);
}

TEST(Control, reported_failure_reaches_every_rank) {
  auto all = planes(3);
  all[2]->report("disk full");
  for (const auto& plane : all) {
    ASSERT_TRUE(eventually([&] { return plane->failure().has_value(); }));
    EXPECT_EQ(*plane->failure(), "rank 2 gave up: disk full");
  }
  leave(all);
}

TEST(Control, rank_that_leaves_is_not_lost) {
  auto all = planes(3);
  all.pop_back();
  EXPECT_TRUE(eventually([&] { return all[0]->peers()[2].left; }));
  EXPECT_TRUE(eventually([&] { return all[0]->peers()[2].silent > milliseconds(600); }));
  EXPECT_FALSE(all[0]->failure().has_value());
  leave(all);
}

TEST(Control, late_ranks_are_named_with_their_last_call) {
  auto all = planes(3);
  all[0]->entered("world", 7, "all_reduce");
  all[1]->entered("world", 6, "broadcast");
  all[1]->set_step(4);
  EXPECT_TRUE(eventually([&] {
    const std::string late = all[0]->late("world", 7, {0, 1, 2});
    return late.find("rank 1 has not entered it (it is at step 4, last call 6, broadcast)") !=
               std::string::npos &&
           late.find("rank 2 has not entered it") != std::string::npos;
  })) << all[0]->late("world", 7, {0, 1, 2});
  leave(all);
}

TEST(Control, other_generation_is_refused) {
  auto all = planes(1);
  ControlOptions zombie = options_of(1, 2, all[0]->port());
  zombie.generation = 1;
  EXPECT_THROW(ControlPlane{zombie}, ConfigError);
  leave(all);
}

TEST(Control, taken_port_is_a_clear_error) {
  auto all = planes(1);
  EXPECT_THROW(ControlPlane(options_of(0, 1, all[0]->port())), ConfigError);
  leave(all);
}

}  // namespace
}  // namespace lodestone
