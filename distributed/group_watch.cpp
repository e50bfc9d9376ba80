#include "distributed/group_watch.h"

#include <chrono>

#include <nlohmann/json.hpp>

#include "common/json_text.h"
#include "distributed/transport/group_state.h"

namespace lodestone::distributed {

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

std::map<std::string, double> collective_seconds(const Group& group) {
  GroupState& state = group.state();
  const std::scoped_lock lock(state.mutex);
  return state.seconds;
}

std::string flight_record_json(const Group& group, const std::string& reason) {
  GroupContext& context = *group.state().members.context;
  nlohmann::json collectives = nlohmann::json::array();
  for (const FlightEntry& entry : context.record().entries()) {
    const double took = std::chrono::duration<double>(entry.ended - entry.begun).count();
    collectives.push_back({{"sequence", entry.sequence},
                           {"group", entry.group},
                           {"verb", entry.operation},
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

}  // namespace lodestone::distributed
