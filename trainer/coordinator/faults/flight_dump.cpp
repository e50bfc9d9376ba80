#include "trainer/coordinator/faults/flight_dump.h"

#include "common/files.h"
#include "common/paths.h"
#include "distributed/group_watch.h"

namespace lodestone::coordinator {

FlightDump::FlightDump(distributed::Group world, RunFolder folder, int64_t generation, Warn warn)
    : world_(std::move(world)), folder_(std::move(folder)), generation_(generation), warn_(std::move(warn)) {}

std::filesystem::path FlightDump::path() const {
  return folder_.flight() /
         ("generation-" + std::to_string(generation_) + "-rank-" + std::to_string(world_.rank()) + ".json");
}

void FlightDump::write(const std::string& reason) const {
  std::scoped_lock lock(mutex_);
  try {
    if (!path_exists(folder_.root())) return;
    make_folders(folder_.flight());
    write_file_atomic(path(), distributed::flight_record_json(world_, reason));
  } catch (const std::exception& error) {
    if (warn_) warn_(std::string("flight record not written: ") + error.what());
  }
}

}  // namespace lodestone::coordinator
