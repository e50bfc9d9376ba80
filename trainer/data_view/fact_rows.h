#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "trainer/data_view/data_facts.h"

namespace lodestone::data_view {

/// A fact and its value, for people: {"Samples per class", "5 to 40, median 20"}.
using FactRow = std::pair<std::string, std::string>;

/// The facts of one side. Those that were taken from a sample say so.
std::vector<FactRow> rows_of(const Side& side, const SideFacts& facts);
/// What both sides have in common.
std::vector<FactRow> rows_of(const Sides& sides, const CommonFacts& common);

/// The same as JSON: numbers by name.
nlohmann::ordered_json json_of(const Sides& sides, const DataFacts& facts);

}  // namespace lodestone::data_view
