// The control plane with every rank in one process; real processes die in mpi_faults_test.

#include "distributed/control/control.h"

#include <gtest/gtest.h>

#include "common/error.h"
#include "control_planes.h"

namespace lodestone::testing {
using namespace distributed;
namespace {

TEST(Control, healthy_ranks_are_seen_with_their_steps_and_nobody_is_accused) {
  auto all = planes(3);
  for (int r = 0; r < 3; ++r) all[static_cast<size_t>(r)]->set_step(10 + r);
  EXPECT_TRUE(eventually([&] {
    const auto peers = all[0]->peers();
    return peers[0].step == 10 && peers[1].step == 11 && peers[2].step == 12;
  }));
  const auto until = std::chrono::steady_clock::now() + 2 * kPeerTimeout;
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
    EXPECT_FALSE(plane->failure_code().has_value()) << "it gave none";
  }
  leave(all);
}

TEST(Control, the_exit_code_of_a_failure_reaches_every_rank_as_a_number) {
  auto all = planes(3);
  EXPECT_FALSE(all[0]->failure_code().has_value());
  all[1]->report("exit code 7: 5 records\nr 9 are broken", 3);
  all[1]->report("a later one", 1);
  for (const auto& plane : all) {
    ASSERT_TRUE(eventually([&] { return plane->failure().has_value(); }));
    EXPECT_EQ(*plane->failure(), "rank 1 gave up: exit code 7: 5 records\nr 9 are broken");
    EXPECT_EQ(plane->failure_code(), 3);
  }
  leave(all);
}

TEST(Control, of_several_failures_all_ranks_get_the_same_code) {
  auto all = planes(4);
  all[1]->report("no code");
  all[3]->report("code 5", 5);
  all[2]->report("code 2", 2);
  std::optional<int> code;
  for (const auto& plane : all) {
    ASSERT_TRUE(eventually([&] { return plane->failure().has_value(); }));
    if (&plane == &all.front()) code = plane->failure_code();
    EXPECT_EQ(plane->failure_code(), code) << "what rank 0 found counts everywhere";
  }
  leave(all);
}

TEST(Control, rank_that_leaves_is_not_lost) {
  auto all = planes(3);
  all.pop_back();
  EXPECT_TRUE(eventually([&] { return all[0]->peers()[2].left; }));
  EXPECT_TRUE(eventually([&] { return all[0]->peers()[2].silent > 3 * kPeerTimeout / 2; }));
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

TEST(Control, another_token_is_refused) {
  ControlOptions options = options_of(0, 1);
  options.token = "ours";
  const ControlPlane ours(options);
  ControlOptions stranger = options_of(1, 2, ours.port());
  stranger.token = "theirs";
  EXPECT_THROW(ControlPlane{stranger}, ConfigError);
  stranger.token = "";
  EXPECT_THROW(ControlPlane{stranger}, ConfigError);
}

TEST(Control, the_rank_that_others_wait_for_is_behind_and_lags_after_a_while) {
  auto all = planes(3);
  for (int r = 0; r < 3; ++r) all[static_cast<size_t>(r)]->entered("world", r == 2 ? 6 : 7, "all_gather");
  EXPECT_TRUE(eventually([&] {
    const auto peers = all[0]->peers();
    return peers[2].lag > milliseconds(0) && peers[2].place == "all_gather call 6 of group world" &&
           !peers[1].place.empty();
  }));
  EXPECT_EQ(all[0]->peers()[1].lag, milliseconds(0));
  EXPECT_TRUE(eventually([&] { return !all[0]->laggards().empty(); }));
  EXPECT_EQ(all[0]->laggards().find("rank 2 lags"), 0u) << all[0]->laggards();
  EXPECT_EQ(all[1]->laggards(), "");
  all[2]->entered("world", 7, "all_gather");
  EXPECT_TRUE(
      eventually([&] { return all[0]->laggards().empty() && all[0]->peers()[2].lag == milliseconds(0); }));
  for (const auto& plane : all) EXPECT_FALSE(plane->failure().has_value());
  leave(all);
}

TEST(Control, a_rank_that_never_comes_is_lost_after_its_own_time) {
  ControlOptions options = options_of(0, 2);
  options.join_timeout = 2 * kPeerTimeout;
  ControlPlane leader(options);
  ASSERT_TRUE(eventually([&] { return leader.failure().has_value(); }));
  EXPECT_EQ(leader.failure()->find("rank 1 is lost: silent for"), 0u) << *leader.failure();
}

TEST(Control, a_rank_is_behind_by_what_others_had_reported_before_it_did_not_by_the_age_of_its_heartbeat) {
  ControlOptions options = options_of(0, 2);
  options.peer_timeout = milliseconds(10'000);
  ControlPlane leader(options);
  options.rank = 1;
  options.port = leader.port();
  PlayedRank other(options);
  leader.set_step(10);
  other.send_heartbeat(10);
  EXPECT_TRUE(eventually([&] { return leader.peers()[0].step == 10 && leader.peers()[1].step == 10; }));
  leader.set_step(500);  // while the other says nothing, as between two heartbeats
  EXPECT_TRUE(eventually([&] { return leader.peers()[0].step == 500; }));
  EXPECT_EQ(leader.peers()[1].step, 10);
  EXPECT_EQ(leader.peers()[1].behind, 0);
  other.send_heartbeat(500);
  EXPECT_TRUE(eventually([&] { return leader.peers()[1].step == 500; }));
  EXPECT_EQ(leader.peers()[1].behind, 0);
  other.send_heartbeat(497);
  EXPECT_TRUE(eventually([&] { return leader.peers()[1].behind == 3; })) << leader.peers()[1].behind;
  EXPECT_EQ(leader.peers()[0].behind, 0);
  other.send_heartbeat(500, true);
  EXPECT_TRUE(eventually([&] { return leader.peers()[1].behind == 0; }));
}

TEST(Control, flights_that_rank_0_asks_for_are_heard_of_everywhere) {
  auto all = planes(3);
  all[1]->request_flight_records();  // not its to ask
  all[0]->request_flight_records();
  for (const auto& plane : all) EXPECT_TRUE(eventually([&] { return plane->flight_requests() == 1; }));
  leave(all);
}

TEST(Control, taken_port_is_a_clear_error) {
  auto all = planes(1);
  EXPECT_THROW(ControlPlane(options_of(0, 1, all[0]->port())), ConfigError);
  leave(all);
}

}  // namespace
}  // namespace lodestone::testing
