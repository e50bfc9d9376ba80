#include "trainer/coordinator/faults/flight_watch.h"

#include <atomic>
#include <csignal>
#include <fstream>
#include <mutex>

#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <poll.h>

#include "common/files.h"

namespace lodestone {
using namespace coordinator;
using namespace distributed;
namespace {

using ::testing::HasSubstr;

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 2);
  }
  return true;
}

std::shared_ptr<ControlPlane> plane(int rank, int world, int port = 0) {
  ControlOptions options;
  options.rank = rank;
  options.world = world;
  options.port = port;
  options.peer_timeout = std::chrono::milliseconds(1000);
  return std::make_shared<ControlPlane>(options);
}

nlohmann::json read(const FlightDump& dump) {
  return nlohmann::json::parse(read_file(dump.path()));
}

TEST(FlightDump, holds_what_the_rank_did_and_why_it_was_written) {
  const TempFolder folder;
  const FlightDump dump(single_group(), RunFolder(folder.path()), 3, {});
  dump.write("because");
  EXPECT_EQ(dump.path().filename(), "generation-3-rank-0.json");
  EXPECT_EQ(read(dump)["reason"], "because");
  EXPECT_TRUE(read(dump)["collectives"].empty());
}

TEST(FlightDump, without_a_run_folder_there_is_none_and_no_error) {
  const TempFolder folder;
  std::string reported;
  const FlightDump dump(single_group(), RunFolder(folder.path() / "none"), 0,
                        [&](const std::string& text) { reported = text; });
  dump.write("because");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "none"));
  EXPECT_EQ(reported, "");
}

TEST(FlightDump, what_prevents_it_is_reported) {
  const TempFolder folder;
  std::ofstream(folder.path() / "flight") << "a file where the folder should be";
  std::string reported;
  const FlightDump dump(single_group(), RunFolder(folder.path()), 0,
                        [&](const std::string& text) { reported = text; });
  dump.write("because");
  EXPECT_THAT(reported, HasSubstr("flight record not written"));
}

TEST(FlightWatch, a_signal_writes_the_record_while_the_rank_is_busy) {
  const TempFolder folder;
  const FlightDump dump(single_group(), RunFolder(folder.path()), 0, {});
  const FlightWatch watch(nullptr, dump, {});
  ::raise(SIGUSR2);
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(dump.path()); }));
  EXPECT_THAT(read(dump)["reason"].get<std::string>(), HasSubstr("User defined signal 2"));
}

TEST(FlightWatch, a_lost_rank_writes_the_record) {
  const TempFolder folder;
  const auto rank0 = plane(0, 2);
  auto rank1 = plane(1, 2, rank0->port());
  const FlightDump dump(single_group(), RunFolder(folder.path()), 0, {});
  const FlightWatch watch(rank0, dump, {});
  rank1->report("disk full");
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(dump.path()); }));
  EXPECT_EQ(read(dump)["reason"], "rank 1 gave up: disk full");
  rank1.reset();
}

// Rank 1 stays in its call while rank 0 is further, alive all the time.
TEST(FlightWatch, a_lagging_rank_is_named_once_and_writes_its_record) {
  const TempFolder folder;
  const auto rank0 = plane(0, 2);
  auto rank1 = plane(1, 2, rank0->port());
  const FlightDump dump(single_group(), RunFolder(folder.path()), 0, {});
  std::mutex mutex;
  std::vector<std::string> reported;
  const FlightWatch watch(rank0, dump, [&](const std::string& text) {
    const std::scoped_lock lock(mutex);
    reported.push_back(text);
  });
  rank0->set_step(12);
  rank1->set_step(12);
  rank0->entered("world", 5, "all_gather");
  rank1->entered("world", 4, "all_reduce");
  ASSERT_TRUE(eventually([&] { return rank1->flight_requests() == 1; }));
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(dump.path()); }));
  const std::scoped_lock lock(mutex);
  ASSERT_EQ(reported.size(), 1u);
  EXPECT_THAT(reported[0], HasSubstr("rank 1 lags"));
  EXPECT_THAT(reported[0], HasSubstr("at step 12, last seen in all_reduce call 4"));
  EXPECT_FALSE(rank0->failure().has_value());
  rank1.reset();
}

}  // namespace
}  // namespace lodestone
