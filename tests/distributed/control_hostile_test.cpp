// Somebody reaches the control plane's port who is no rank of the job.
#include <array>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_planes.h"
#include "distributed/rendezvous/rendezvous.h"

namespace lodestone::testing {
using namespace distributed;
namespace {

// A zombie has an open connection, and may even have learned the keys; without the seal nothing that it
// writes counts.
TEST(Control, what_a_zombie_of_an_older_generation_writes_is_not_believed) {
  const auto with = [](int rank, int port, int64_t generation) {
    ControlOptions options = options_of(rank, 2, port);
    options.token = "ours";
    options.generation = generation;
    return options;
  };
  std::vector<std::unique_ptr<ControlPlane>> all;
  all.push_back(std::make_unique<ControlPlane>(with(0, 0, 1)));
  all.push_back(std::make_unique<ControlPlane>(with(1, all[0]->port(), 1)));
  const ControlOptions now = with(1, all[0]->port(), 1);
  const auto store = connect_store(now);
  const Seal old("ours", 0), ours("ours", 1);
  Beat lie;
  lie.number = 1'000'000;
  lie.step = 99;
  lie.report.what = "everything is lost";
  all[1]->set_step(7);
  Status order;
  order.number = 1'000'000;
  order.flights = 9;
  order.verdict.what = "rank 0 is lost";
  for (const Seal& keys : {ours, old}) {
    store->set(keys.key("beat/1"), old.close("beat/1", lie.text()));
    store->set(keys.key(kStatus), old.close(kStatus, order.text()));
  }
  EXPECT_TRUE(eventually([&] { return all[0]->peers()[1].step == 7; }));
  const auto until = std::chrono::steady_clock::now() + milliseconds(300);
  EXPECT_TRUE(eventually([&] {
    for (const auto& plane : all) EXPECT_FALSE(plane->failure().has_value()) << *plane->failure();
    EXPECT_NE(all[0]->peers()[1].step, 99);
    return std::chrono::steady_clock::now() > until;
  }));
  EXPECT_EQ(all[1]->flight_requests(), 0);
  leave(all);
}

// Somebody who reaches the port records what a rank says, and repeats it when that rank has been stopped.
TEST(Control, heartbeats_that_are_put_back_hide_no_loss) {
  ControlOptions options = options_of(0, 2);
  ControlPlane leader(options);
  options.rank = 1;
  options.port = leader.port();
  PlayedRank rank(options);
  std::vector<std::string> recorded;
  for (int64_t step = 1; step <= 3; ++step) {
    recorded.push_back(rank.send_heartbeat(step));
    ASSERT_TRUE(eventually([&] { return leader.peers()[1].step == step; }));
  }
  size_t repeated = 0;
  EXPECT_TRUE(eventually([&] {
    rank.put(beat_name(1), recorded[repeated++ % 2]);
    return leader.failure().has_value();
  })) << "still believed after "
      << repeated << " repetitions";
  EXPECT_EQ(leader.failure()->find("rank 1 is lost: silent for"), 0u) << *leader.failure();
  EXPECT_NE(leader.failure()->find("at step 3"), std::string::npos) << *leader.failure();
}

// The other way round: rank 0's word is put back or garbled, so that its verdict would never be heard.
TEST(Control, a_verdict_that_is_not_renewed_is_the_loss_of_rank_0_and_reported_to_it) {
  const std::string stale = Status{6, 0, ""}.text();
  const Seal seal("", 0);
  for (const std::string& put_back :
       {seal.close(kStatus, stale), std::string("rank 9 is lost"), std::string()}) {
    ControlOptions options = options_of(0, 2);
    const auto server = serve_store(options);
    server->set("lodestone/generation", "0 " + seal.close("generation", "0"));
    server->set(seal.key(kStatus), seal.close(kStatus, Status{7, 3, ""}.text()));
    options.rank = 1;
    ControlPlane rank(options);
    ASSERT_TRUE(eventually([&] { return rank.flight_requests() == 3; }));
    server->set(seal.key(kStatus), put_back);
    ASSERT_TRUE(eventually([&] { return rank.failure().has_value(); }));
    EXPECT_EQ(rank.failure()->find("rank 0 is lost: its store answers"), 0u) << *rank.failure();
    EXPECT_EQ(rank.flight_requests(), 3);
    EXPECT_TRUE(eventually([&] {
      const auto reported = seal.open(beat_name(1), server->get_to_str(seal.key(beat_name(1))));
      return reported && Beat::parse(*reported).report.what.find("rank 0 is lost") != std::string::npos;
    }));
  }
}

TEST(Control, what_somebody_deletes_is_written_again_and_nobody_is_accused) {
  auto all = planes(2);
  PlayedRank stranger(options_of(1, 2, all[0]->port()));
  // One after another: who deletes the word each time that rank 0 has renewed it is a loss of rank 0 for all
  // that others can see.
  const std::vector<std::string> names{beat_name(0), beat_name(1), std::string(kStatus)};
  for (int64_t step = 1; step <= 30; ++step) {
    stranger.remove(names[static_cast<size_t>(step) % names.size()]);
    all[1]->set_step(step);
    ASSERT_TRUE(eventually([&] { return all[0]->peers()[1].step == step; }));
    for (const auto& plane : all) ASSERT_FALSE(plane->failure().has_value()) << *plane->failure();
  }
  leave(all);
}

TEST(Control, a_rank_whose_heartbeat_is_deleted_and_that_is_silent_is_lost) {
  ControlOptions options = options_of(0, 2);
  ControlPlane leader(options);
  options.rank = 1;
  options.port = leader.port();
  PlayedRank rank(options);
  rank.send_heartbeat(5);
  ASSERT_TRUE(eventually([&] { return leader.peers()[1].step == 5; }));
  rank.remove(beat_name(1));
  ASSERT_TRUE(eventually([&] { return leader.failure().has_value(); }));
  EXPECT_EQ(leader.failure()->find("rank 1 is lost: silent for"), 0u) << *leader.failure();
}

TEST(Control, a_list_of_the_keys_reveals_nothing) {
  auto all = planes(2);
  PlayedRank stranger(options_of(1, 2, all[0]->port()));
  std::vector<std::string> keys;
  ASSERT_TRUE(eventually(
      [&] { return (keys = stranger.keys()).size() == 4; }));  // two beats, the word, the generation
  for (const std::string& key : keys)
    for (const char* status : {"beat", "word", "verdict", "flight"})
      EXPECT_EQ(key.find(status), std::string::npos) << key;
  leave(all);
}

int free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(probe, reinterpret_cast<sockaddr*>(&address), size), 0);
  ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(probe);
  return ntohs(address.sin_port);
}

// What MASTER_ADDR resolves to may be any of this host's networks; ranks that are all here need none.
TEST(Rendezvous, ranks_of_one_host_connect_on_loopback_whatever_master_address_is) {
  LaunchInfo info;
  info.launcher = LaunchInfo::Launcher::kTorchrun;
  info.master_address = "192.0.2.1";  // nobody's, by RFC 5737
  info.master_port = free_port();
  const Environment nothing = [](const std::string&) { return std::nullopt; };
  std::vector<std::unique_ptr<std::thread>> ranks;
  std::array<std::shared_ptr<ControlPlane>, 2> met;
  for (int rank = 0; rank < 2; ++rank)
    ranks.push_back(std::make_unique<std::thread>([&, rank] {
      ControlOptions wanted = options_of(rank, 2);
      met[static_cast<size_t>(rank)] = rendezvous_at_master(wanted, info, nothing);
    }));
  for (const auto& rank : ranks) rank->join();
  EXPECT_EQ(met[0]->options().host, "127.0.0.1");
  EXPECT_EQ(met[0]->port(), info.master_port);
  met[1]->set_step(3);
  EXPECT_TRUE(eventually([&] { return met[0]->peers()[1].step == 3; }));
  met[1].reset();
}

}  // namespace
}  // namespace lodestone::testing
