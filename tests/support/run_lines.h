#pragma once

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/program.h"

/// Reads a run's metrics.jsonl.
namespace lodestone::testing {

/// The complete lines of a kind ("train", "eval", "event"); a line that is still being written is left out.
inline std::vector<nlohmann::json> lines_of(const std::filesystem::path& run, const std::string& kind) {
  std::vector<nlohmann::json> all;
  std::istringstream text(contents(run / "metrics.jsonl"));
  for (std::string line; std::getline(text, line);) {
    auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_discarded() && json["kind"] == kind) all.push_back(json);
  }
  return all;
}

/// The losses of the run's steps.
inline std::vector<double> losses(const std::filesystem::path& run) {
  std::vector<double> all;
  for (const auto& line : lines_of(run, "train")) all.push_back(line["loss"]);
  return all;
}

}  // namespace lodestone::testing
