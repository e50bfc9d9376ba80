#include "distributed/transport/flight_record.h"

namespace lodestone::distributed {

using Time = std::chrono::system_clock::time_point;

uint64_t FlightRecord::begin(const std::string& group, const char* operation, int64_t bytes, int64_t step) {
  const Time now = std::chrono::system_clock::now();
  std::scoped_lock lock(mutex_);
  FlightEntry& entry = ring_[++newest_ % kLength];
  entry.sequence = newest_;
  entry.group = group;
  entry.operation = operation;
  entry.bytes = bytes;
  entry.step = step;
  entry.state = FlightEntry::State::kUnderWay;
  entry.begun = entry.ended = now;
  return newest_;
}

void FlightRecord::end(uint64_t sequence, bool well) {
  const Time now = std::chrono::system_clock::now();
  std::scoped_lock lock(mutex_);
  FlightEntry& entry = ring_[sequence % kLength];
  if (entry.sequence != sequence) return;  // already overwritten
  entry.state = well ? FlightEntry::State::kDone : FlightEntry::State::kFailed;
  entry.ended = now;
}

std::vector<FlightEntry> FlightRecord::entries() const {
  std::scoped_lock lock(mutex_);
  std::vector<FlightEntry> entries;
  const uint64_t first = newest_ >= kLength ? newest_ - kLength + 1 : 1;
  for (uint64_t i = first; i <= newest_; ++i) entries.push_back(ring_[i % kLength]);
  return entries;
}

}  // namespace lodestone::distributed
