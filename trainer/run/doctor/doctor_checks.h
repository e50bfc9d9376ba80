#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "distributed/group.h"

namespace lodestone::run {

/// One line of the table that `doctor` prints.
struct Finding {
  enum class Level { kGood, kNote, kFails };  ///< fine; worth knowing; something will not work

  std::string what;
  /// For people: the figure, and what to do if it is bad.
  std::string state;
  Level level = Level::kGood;
  /// For programs: seconds, bytes, counts.
  nlohmann::json figures = nlohmann::json::object();
};

/// Up to three figures formatted by printf; figures that the format does not use are ignored.
std::string formatted(const char* format, double a, double b = 0, double c = 0);

/// Libraries, backends, cores, memory, limits and host name of this host.
/// Cost      milliseconds
std::vector<Finding> check_host();

/// Tests the file system of a folder for checkpoints: writes and fsyncs 32 MiB, replaces an open file by
/// rename, fsyncs the folder, and compares its clock with this host's. Removes its files.
std::vector<Finding> check_folder(const std::filesystem::path& folder);

/// Whether this host can listen on `port` and the following ports, one for each of its ranks.
Finding check_ports(int port, int ranks_here);

/// Tests the connections between ranks: whether all see the folder, can resolve rank 0's host and
/// have synchronized clocks; latency and bandwidth of pairs, of all pairs up to 16 ranks, beyond
/// that of 16 evenly chosen ranks.
/// Ranks     collective; rank 0 gets the findings
std::vector<Finding> check_ranks(const distributed::Group& world, const std::filesystem::path& folder);

}  // namespace lodestone::run
