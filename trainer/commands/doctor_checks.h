#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "distributed/group.h"

namespace lodestone {

/// One line of the doctor's table.
struct Finding {
  enum class Level { kGood, kNote, kFails };  ///< fine; worth knowing; something will not work

  std::string what;
  std::string state;  ///< for people: the figure, and where it is bad, what to do
  Level level = Level::kGood;
  nlohmann::json figures = nlohmann::json::object();  ///< the same for programs: seconds, bytes, counts
};

/// A figure or three in printf's words; those that the format does not name are left out.
std::string formatted(const char* format, double a, double b = 0, double c = 0);

/// Libraries, backends, cores, memory, limits and names of this host. Cost: milliseconds.
std::vector<Finding> check_host();

/// What the file system of a folder that checkpoints go to does: writes and fsyncs 32 MiB, replaces a file by rename while it is
/// open, fsyncs the folder, and compares its clock with this host's. Leaves nothing behind.
std::vector<Finding> check_folder(const std::filesystem::path& folder);

/// Can this host listen at `port` and those after it, one for each of its ranks?
Finding check_ports(int port, int ranks_here);

/// What lies between ranks: whether all see the folder, know rank 0's host by name and have clocks that agree; latency and
/// bandwidth of pairs, all of them up to 16 ranks, of 16 ranks evenly chosen beyond that.
/// Ranks     collective; the findings are rank 0's to show.
std::vector<Finding> check_ranks(const Group& world, const std::filesystem::path& folder);

}  // namespace lodestone
