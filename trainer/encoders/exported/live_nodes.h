#pragma once

#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lodestone::encoders::exported {

/// The nodes of a graph that its results depend on, in order: those that only check the sizes of the export
/// are left out. A node that writes into its arguments counts.
/// Throws    nlohmann::json::exception where the file lacks what a graph has
std::vector<const nlohmann::json*> live_nodes(const nlohmann::json& graph, const nlohmann::json& signature);

}  // namespace lodestone::encoders::exported
