#include "distributed/transport/flight_record.h"

#include <thread>

#include <ATen/ops/ones.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "distributed/group_watch.h"

namespace lodestone {
using namespace distributed;
namespace {

using State = FlightEntry::State;

TEST(FlightRecord, keeps_the_last_ones_in_order) {
  FlightRecord record;
  for (int i = 1; i <= 3000; ++i) record.end(record.begin("world", "all_reduce", i, i / 10), true);
  const auto entries = record.entries();
  ASSERT_EQ(entries.size(), FlightRecord::kLength);
  for (size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].sequence, 3000 - FlightRecord::kLength + 1 + i);
    EXPECT_EQ(entries[i].bytes, static_cast<int64_t>(entries[i].sequence));
  }
}

TEST(FlightRecord, reports_what_is_under_way_done_and_failed) {
  FlightRecord record;
  EXPECT_TRUE(record.entries().empty());
  record.end(record.begin("world", "all_gather", 8, 1), true);
  record.end(record.begin("world", "all_gather", 8, 1), false);
  record.begin("tower", "broadcast", 16, 2);
  const auto entries = record.entries();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].state, State::kDone);
  EXPECT_EQ(entries[1].state, State::kFailed);
  EXPECT_EQ(entries[2].state, State::kUnderWay);
  EXPECT_EQ(entries[2].group, "tower");
}

TEST(FlightRecord, an_end_that_comes_too_late_changes_nobody_elses_entry) {
  FlightRecord record;
  const uint64_t old = record.begin("world", "all_reduce", 4, 0);
  for (size_t i = 0; i < FlightRecord::kLength; ++i) record.begin("world", "broadcast", 4, 1);
  record.end(old, false);
  for (const auto& entry : record.entries()) EXPECT_EQ(entry.state, State::kUnderWay);
}

TEST(FlightRecord, has_every_collective_of_a_group_with_step_and_bytes) {
  const auto groups = local_groups(2);
  std::vector<std::thread> ranks;
  for (const Group& group : groups) {
    ranks.emplace_back([group] {
      group.set_step(41);
      at::Tensor x = at::ones({10});
      group.all_reduce(x);
      group.set_step(42);
      group.broadcast(x);
      group.barrier();
    });
  }
  for (auto& rank : ranks) rank.join();
  for (int rank = 0; rank < 2; ++rank) {
    const auto json = nlohmann::json::parse(flight_record_json(groups[static_cast<size_t>(rank)], "asked"));
    EXPECT_EQ(json["rank"], rank);
    EXPECT_EQ(json["world"], 2);
    EXPECT_EQ(json["reason"], "asked");
    ASSERT_EQ(json["collectives"].size(), 3u);
    const auto& first = json["collectives"][0];
    EXPECT_EQ(first["verb"], "all_reduce");
    EXPECT_EQ(first["step"], 41);
    EXPECT_EQ(first["bytes"], 40);
    EXPECT_EQ(first["state"], "done");
    EXPECT_EQ(json["collectives"][1]["verb"], "broadcast");
    EXPECT_EQ(json["collectives"][1]["step"], 42);
  }
}

}  // namespace
}  // namespace lodestone
