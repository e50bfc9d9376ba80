#include "distributed/transport/flight_record.h"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "common/json_text.h"
#include "distributed/transport/transport.h"

namespace lodestone {

namespace {

using Time = std::chrono::system_clock::time_point;

double seconds(Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

const char* name_of(FlightEntry::State state) {
  switch (state) {
    case FlightEntry::State::kUnderWay:
      return "under_way";
    case FlightEntry::State::kDone:
      return "done";
    case FlightEntry::State::kFailed:
      break;
  }
  return "failed";
}

}  // namespace

uint64_t FlightRecord::begin(const std::string& group, const char* verb, int64_t bytes, int64_t step) {
  const Time now = std::chrono::system_clock::now();
  std::lock_guard lock(mutex_);
  FlightEntry& entry = ring_[++newest_ % kLength];
  entry.sequence = newest_;
  entry.group = group;
  entry.verb = verb;
  entry.bytes = bytes;
  entry.step = step;
  entry.state = FlightEntry::State::kUnderWay;
  entry.begun = entry.ended = now;
  return newest_;
}

void FlightRecord::end(uint64_t sequence, bool well) {
  const Time now = std::chrono::system_clock::now();
  std::lock_guard lock(mutex_);
  FlightEntry& entry = ring_[sequence % kLength];
  if (entry.sequence != sequence) return;  // already overwritten
  entry.state = well ? FlightEntry::State::kDone : FlightEntry::State::kFailed;
  entry.ended = now;
}

std::vector<FlightEntry> FlightRecord::entries() const {
  std::lock_guard lock(mutex_);
  std::vector<FlightEntry> entries;
  const uint64_t first = newest_ >= kLength ? newest_ - kLength + 1 : 1;
  for (uint64_t i = first; i <= newest_; ++i) entries.push_back(ring_[i % kLength]);
  return entries;
}

std::string flight_record_json(const Group& group, const std::string& reason) {
  GroupContext& context = *group.state().members.context;
  nlohmann::json collectives = nlohmann::json::array();
  for (const FlightEntry& entry : context.record().entries()) {
    const double took = std::chrono::duration<double>(entry.ended - entry.begun).count();
    collectives.push_back({{"sequence", entry.sequence},
                           {"group", entry.group},
                           {"verb", entry.verb},
                           {"bytes", entry.bytes},
                           {"step", entry.step},
                           {"state", name_of(entry.state)},
                           {"begun", seconds(entry.begun)},
                           {"seconds", entry.state == FlightEntry::State::kUnderWay ? nlohmann::json()
                                                                                    : nlohmann::json(took)}});
  }
  const nlohmann::json record = {{"rank", group.rank()},
                                 {"world", group.size()},
                                 {"step", context.step()},
                                 {"reason", reason},
                                 {"failure", context.failure().value_or("")},
                                 {"time", seconds(std::chrono::system_clock::now())},
                                 {"collectives", std::move(collectives)}};
  return json_text(record, 1) + "\n";
}

}  // namespace lodestone
